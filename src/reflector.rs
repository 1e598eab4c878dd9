//! `Reflector`: a store of AWS's answers for the images that have subscribers. Batched reads keep it fresh, as a kube
//! reflector keeps its store of an API server's objects. Each scope has its own lane, so that no scope waits for a slow
//! or failing one. The reflector publishes an image to its subscribers only if the answer has changed, or if a read was
//! requested.
//!
//! Nothing here knows Kubernetes or the AWS SDK. Only the reflector keeps the subscriptions.

mod answer;
mod ask;
mod by_turns;
mod entry;
mod guests;
pub mod intervals;
mod lane;
mod lane_context;
mod packed_observation;
mod reader;
pub mod reading;
mod schedule;
mod scope_lane;
mod settings;
mod stack_queue;
mod subscribers;

pub use settings::ReflectorSettings;
pub use subscribers::Subscriber;

use crate::describe_image::scope::{ImageRef, Scope};
use crate::describe_image::source::ImageSource;
use crate::describe_image::{Observation, Region};
use futures::channel::mpsc;
use jiff::Timestamp;
use lane::Lane;
use parking_lot::Mutex;
use reading::{Freshness, Reading};
use scope_lane::{Publisher, ScopeLane};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Receives the subscribers for whose image the reflector publishes an answer.
pub type Changes = mpsc::UnboundedReceiver<Subscriber>;

/// The store of answers, with a lane for each scope.
pub struct Reflector<S> {
    source: Arc<S>,
    settings: ReflectorSettings,
    /// Locked during subscribe and unsubscribe, because subscribers and lanes must change together.
    lanes: Mutex<HashMap<Scope, Arc<Lane>>>,
    publisher: Publisher,
}

impl<S: ImageSource + 'static> Reflector<S> {
    /// Returns an empty reflector, and the receiver of the changes that it will publish.
    pub fn new(source: S, settings: ReflectorSettings) -> (Self, Changes) {
        let (sender, changes) = mpsc::unbounded();
        let publisher = Publisher { subscribers: Arc::default(), guests: Arc::default(), changes: sender };
        (Self { source: Arc::new(source), settings, lanes: Mutex::default(), publisher }, changes)
    }

    /// The source that the reflector reads from.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// Subscribes `subscriber` to `image` and unsubscribes it from its previous image. From now on, the reflector reads
    /// the image when it is due, and publishes its changes.
    pub fn subscribe(&self, subscriber: &Subscriber, image: &ImageRef) {
        let mut lanes = self.lanes.lock();
        let left = self.publisher.subscribers.lock().set(subscriber, image);
        lanes.entry(image.scope.clone()).or_insert_with(|| self.start_lane(&image.scope)).insert(&image.id);
        self.leave(&mut lanes, left);
    }

    pub fn unsubscribe(&self, subscriber: &Subscriber) {
        let mut lanes = self.lanes.lock();
        let left = self.publisher.subscribers.lock().remove(subscriber);
        self.leave(&mut lanes, left);
    }

    /// The unlisted regions that `subscriber`'s tenant reads for its other subscribers. Who may name regions could invent
    /// any number of them.
    pub fn unlisted_regions(&self, subscriber: &Subscriber) -> BTreeSet<Region> {
        let regions = self.publisher.subscribers.lock().regions_beside(subscriber);
        regions.into_iter().filter(|region| !self.source.lists(region)).collect()
    }

    /// All subscribers.
    pub fn subscribers(&self) -> Vec<Subscriber> {
        self.publisher.subscribers.lock().all()
    }

    /// The number of scopes that have images.
    pub fn scopes(&self) -> usize {
        self.lanes.lock().len()
    }

    /// The latest reading of the image, if its read began at `not_before` or later. If there is none, the image is read
    /// now, and its subscribers hear of the answer, even if it is the same as before.
    ///
    /// An answer that was withdrawn because it is stale is returned at any age, as an error. An image without a subscriber
    /// has no reading.
    pub fn latest(&self, image: &ImageRef, not_before: Option<Timestamp>) -> Option<Reading> {
        self.lane(&image.scope)?.latest(&image.id, not_before)
    }

    /// The latest reading, as [`Self::latest`], after an earlier one has missed something. A reading that `sees` it counts,
    /// however early its read began. Any other counts only if its read began at `missed_from` or later.
    pub fn latest_after_miss(
        &self,
        image: &ImageRef,
        not_before: Option<Timestamp>,
        missed_from: Timestamp,
        sees: impl FnOnce(&Observation) -> bool,
    ) -> Option<Reading> {
        let latest = self.latest(image, not_before)?;
        if latest.answer.as_ref().is_ok_and(|observation| sees(observation)) {
            return Some(latest);
        }
        self.latest(image, not_before.max(Some(missed_from)))
    }

    /// How fresh the answer for the subscriber's image is. `None` before AWS first answered.
    pub fn freshness(&self, subscriber: &Subscriber) -> Option<Freshness> {
        let image = self.publisher.subscribers.lock().image(subscriber)?;
        self.lane(&image.scope)?.freshness(&image.id)
    }

    fn lane(&self, scope: &Scope) -> Option<Arc<Lane>> {
        self.lanes.lock().get(scope).cloned()
    }

    /// Stops the reads of an image that has no subscriber any more, and removes its lane if that has no images left.
    fn leave(&self, lanes: &mut HashMap<Scope, Arc<Lane>>, left: Option<Arc<ImageRef>>) {
        if let Some(image) = left
            && !self.publisher.guests.contains(&image)
        {
            self.remove(lanes, &image);
        }
    }

    fn remove(&self, lanes: &mut HashMap<Scope, Arc<Lane>>, image: &ImageRef) {
        if lanes.get(&image.scope).is_some_and(|lane| lane.remove(&image.id)) {
            lanes.remove(&image.scope);
            self.source.release(&image.scope);
        }
    }

    fn start_lane(&self, scope: &Scope) -> Arc<Lane> {
        let lane = Arc::new(Lane::new(self.settings));
        let (source, publisher) = (self.source.clone(), self.publisher.clone());
        let reads = ScopeLane { lane: lane.clone(), source, scope: scope.clone(), settings: self.settings, publisher };
        tokio::spawn(reader::run(reads));
        lane
    }
}

/// The tasks of the lanes end with the reflector.
impl<S> Drop for Reflector<S> {
    fn drop(&mut self) {
        self.lanes.get_mut().values().for_each(|lane| lane.end());
    }
}

#[cfg(test)]
mod tests;
