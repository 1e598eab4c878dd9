//! `Guests`: images that somebody asks for once, without a subscription. Such an image stays in the store for a while after
//! it was asked for last, so that the next one who asks costs no read.

use crate::describe_image::scope::ImageRef;
use crate::describe_image::source::Party;
use crate::fit::fit;
use crate::reflector::subscribers::MOST_TENANTS;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long an image that nobody subscribes to stays after it was asked for last.
pub const STAY: Duration = Duration::from_secs(60);

/// The images that stay without a subscriber. One more takes the place of the one of the
/// busiest tenant that was asked for longest ago.
pub const MOST: usize = 1000;

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
            let excess = excess(guests.iter().filter(|(image, _)| !is_shown(image)));
            excess.iter().for_each(|image| drop(guests.remove(image)));
            gone.extend(excess);
        }
        fit(&mut guests);
        gone
    }
}

/// Those of `guests` that are too many: the oldest ones of the tenants that have most.
fn excess<'a>(guests: impl Iterator<Item = (&'a ImageRef, &'a Guest)>) -> Vec<ImageRef> {
    let mut by_tenant: BTreeMap<Option<&Arc<str>>, Vec<(&ImageRef, &Guest)>> = BTreeMap::new();
    let mut count = 0;
    for (image, guest) in guests {
        by_tenant.entry(guest.tenants.first()).or_default().push((image, guest));
        count += 1;
    }
    // The oldest one last.
    by_tenant.values_mut().for_each(|guests| guests.sort_by_key(|(_, guest)| std::cmp::Reverse(guest.asked)));
    let mut excess = Vec::new();
    while count - excess.len() > MOST
        && let Some(most) = by_tenant.values_mut().max_by_key(|guests| guests.len())
        && let Some((image, guest)) = most.pop()
    {
        if guest.waiting == 0 {
            excess.push(image.clone());
        }
    }
    excess
}
