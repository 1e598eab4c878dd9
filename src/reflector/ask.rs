//! Asks for an image once, without a subscription.

use crate::describe_image::Region;
use crate::describe_image::scope::{ImageRef, Scope};
use crate::describe_image::source::ImageSource;
use crate::reflector::Reflector;
use crate::reflector::guests::Guests;
use crate::reflector::lane::Lane;
use crate::reflector::reading::Reading;
use jiff::Timestamp;
use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::Notify;

impl<S: ImageSource + 'static> Reflector<S> {
    /// A young reading of `image`, for somebody of `tenant` who waits for it: the one at hand if it is no older than the
    /// image's interval, or than the pause after an error. Else the image is read now, in the tenant's turn. An image without
    /// a subscriber stays in the store for a while.
    pub async fn young(&self, tenant: &str, image: &ImageRef) -> Reading {
        let lane = self.lane(&image.scope);
        let not_before = lane.and_then(|lane| lane.young_since(&image.id)).unwrap_or(Timestamp::MIN);
        if let Some(reading) = self.latest(image, Some(not_before)) {
            self.publisher.guests.touch(image);
            return reading;
        }
        let guest = self.invite(tenant, image);
        loop {
            let mut answered = pin!(guest.answered.notified());
            // From here on, no answer is missed.
            answered.as_mut().enable();
            if let Some(reading) = self.latest(image, Some(not_before)) {
                return reading;
            }
            answered.await;
        }
    }

    /// Whether `tenant` subscribes to an image in `region`.
    pub fn reads_in(&self, tenant: &str, region: &Region) -> bool {
        self.publisher.subscribers.lock().reads_in(tenant, region)
    }

    /// Removes the images that nobody subscribes to and nobody has asked for lately. To be called now and then.
    pub fn see_off_guests(&self) {
        self.see_off(&mut self.lanes.lock());
    }

    /// Lets `image` into the store for somebody of `tenant`, who waits until the guest is dropped.
    fn invite<'a>(&'a self, tenant: &str, image: &'a ImageRef) -> Guest<'a> {
        let mut lanes = self.lanes.lock();
        let guests = &self.publisher.guests;
        let answered = guests.wait(tenant, image);
        lanes.entry(image.scope.clone()).or_insert_with(|| self.start_lane(&image.scope)).insert(&image.id);
        self.see_off(&mut lanes);
        Guest { guests, image, answered }
    }

    fn see_off(&self, lanes: &mut HashMap<Scope, Arc<Lane>>) {
        let is_shown = |image: &ImageRef| !self.publisher.subscribers.lock().of(image).is_empty();
        for image in self.publisher.guests.see_off(is_shown) {
            if !is_shown(&image) {
                self.remove(lanes, &image);
            }
        }
    }
}

/// Somebody who waits for an image.
struct Guest<'a> {
    guests: &'a Guests,
    image: &'a ImageRef,
    answered: Arc<Notify>,
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        self.guests.leave(self.image);
    }
}
