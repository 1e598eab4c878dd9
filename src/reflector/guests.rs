//! `Guests`: images that somebody asks for once, without a subscription. Such an image stays in the store for a while after
//! it was asked for last, so that the next one who asks costs no read.

use crate::describe_image::scope::ImageRef;
use crate::describe_image::source::Party;
use crate::fit::fit;
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long an image that nobody subscribes to stays after it was asked for last.
pub const STAY: Duration = Duration::from_secs(60);

/// The images that stay without a subscriber. One more takes the place of the one that was asked for longest ago.
pub const MOST: usize = 1000;

/// The tenants of an image with whose turns it is read.
const MOST_TENANTS: usize = 64;

#[derive(Debug, Default)]
pub struct Guests(Mutex<HashMap<ImageRef, Guest>>);

#[derive(Debug)]
struct Guest {
    asked: Instant,
    tenants: BTreeSet<Arc<str>>,
    /// Those who wait for an answer now.
    waiting: usize,
    answered: Arc<Notify>,
}

impl Guests {
    /// Somebody of `tenant` waits for `image`. Returns what tells of its next answer.
    pub fn wait(&self, tenant: &str, image: &ImageRef) -> Arc<Notify> {
        let mut guests = self.0.lock();
        let guest = guests.entry(image.clone()).or_insert_with(|| Guest {
            asked: Instant::now(),
            tenants: BTreeSet::new(),
            waiting: 0,
            answered: Arc::default(),
        });
        guest.asked = Instant::now();
        guest.waiting += 1;
        if guest.tenants.len() < MOST_TENANTS {
            guest.tenants.insert(tenant.into());
        }
        guest.answered.clone()
    }

    /// One of those who wait has an answer, or has given up.
    pub fn leave(&self, image: &ImageRef) {
        if let Some(guest) = self.0.lock().get_mut(image) {
            guest.asked = Instant::now();
            guest.waiting = guest.waiting.saturating_sub(1);
        }
    }

    /// It was asked for again, and the answer was at hand.
    pub fn touch(&self, image: &ImageRef) {
        if let Some(guest) = self.0.lock().get_mut(image) {
            guest.asked = Instant::now();
        }
    }

    /// Tells those who wait for `image` that there is an answer.
    pub fn answered(&self, image: &ImageRef) {
        if let Some(guest) = self.0.lock().get(image) {
            guest.answered.notify_waiters();
        }
    }

    #[must_use]
    pub fn contains(&self, image: &ImageRef) -> bool {
        self.0.lock().contains_key(image)
    }

    /// The tenants that ask for `image`.
    #[must_use]
    pub fn tenants(&self, image: &ImageRef) -> Vec<Party> {
        let guests = self.0.lock();
        let tenants = guests.get(image).into_iter().flat_map(|guest| &guest.tenants);
        tenants.map(|tenant| Party::Tenant(tenant.clone())).collect()
    }

    /// Removes and returns the images whose time is over: nobody waits for them, and they were asked for too long ago or are
    /// too many. `is_shown` says whether an image has a subscriber. Such an image takes nobody's place.
    pub fn see_off(&self, is_shown: impl Fn(&ImageRef) -> bool) -> Vec<ImageRef> {
        let mut guests = self.0.lock();
        let mut gone: Vec<_> = guests
            .extract_if(|_, guest| guest.waiting == 0 && guest.asked.elapsed() >= STAY)
            .map(|(image, _)| image)
            .collect();
        if guests.len() > MOST {
            let mut idle: Vec<_> =
                guests.iter().filter(|(image, guest)| guest.waiting == 0 && !is_shown(image)).collect();
            let shown = guests.keys().filter(|image| is_shown(image)).count();
            idle.sort_by_key(|(_, guest)| guest.asked);
            let too_many = (guests.len() - shown).saturating_sub(MOST);
            let oldest: Vec<_> = idle.into_iter().take(too_many).map(|(image, _)| image.clone()).collect();
            oldest.iter().for_each(|image| drop(guests.remove(image)));
            gone.extend(oldest);
        }
        fit(&mut guests);
        gone
    }
}
