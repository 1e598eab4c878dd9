//! What AWS says of the images that somebody subscribes to, kept fresh by reads of many at once, as a reflector of kube keeps
//! what an API server says. Each scope has a lane of its own, so that none waits for another's trouble. A subscriber hears only
//! of another answer than before, or of one that it waits for.
//!
//! Nothing here knows Kubernetes or the AWS SDK, and nobody else keeps who subscribes to what.

mod answer;
mod entry;
pub mod intervals;
mod lane;
mod packed_observation;
mod reader;
pub mod reading;
mod schedule;
mod subscribers;

pub use lane::ReflectorSettings;
pub use subscribers::Subscriber;

use crate::describe_image::scope::{ImageRef, Scope};
use crate::describe_image::source::ImageSource;
use futures::channel::mpsc;
use jiff::Timestamp;
use lane::Lane;
use parking_lot::Mutex;
use reader::{Publisher, Reader};
use reading::{Freshness, Reading};
use std::collections::HashMap;
use std::sync::Arc;

/// The subscribers whose image has changed.
pub type Changes = mpsc::UnboundedReceiver<Subscriber>;

/// A store of answers for each scope.
pub struct Reflector<S> {
    source: Arc<S>,
    settings: ReflectorSettings,
    /// Held while somebody subscribes or leaves: subscribers and lanes change together.
    lanes: Mutex<HashMap<Scope, Arc<Lane>>>,
    publisher: Publisher,
}

impl<S: ImageSource + 'static> Reflector<S> {
    /// An empty one, and the changes that it will publish.
    pub fn new(source: S, settings: ReflectorSettings) -> (Self, Changes) {
        let (sender, changes) = mpsc::unbounded();
        let publisher = Publisher { subscribers: Arc::default(), changes: sender };
        (Self { source: Arc::new(source), settings, lanes: Mutex::default(), publisher }, changes)
    }

    /// Where everything is read from.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// From now on the image is read in time, and `subscriber` hears of its changes. It leaves the image that it had before.
    pub fn subscribe(&self, subscriber: &Subscriber, image: &ImageRef) {
        let mut lanes = self.lanes.lock();
        let left = self.publisher.subscribers.lock().set(subscriber, image);
        lanes.entry(image.scope.clone()).or_insert_with(|| self.start_lane(&image.scope)).insert(&image.id);
        leave(&mut lanes, left);
    }

    pub fn unsubscribe(&self, subscriber: &Subscriber) {
        let mut lanes = self.lanes.lock();
        let left = self.publisher.subscribers.lock().remove(subscriber);
        leave(&mut lanes, left);
    }

    /// All that have an image.
    pub fn subscribers(&self) -> Vec<Subscriber> {
        self.publisher.subscribers.lock().all()
    }

    /// What is known of the image, read at `not_before` or later. When that is nothing yet, the image is read now, and its
    /// subscribers hear of the answer, whatever it is.
    pub fn latest(&self, image: &ImageRef, not_before: Option<Timestamp>) -> Option<Reading> {
        self.lane(&image.scope)?.latest(&image.id, not_before)
    }

    /// How fresh the answer for the subscriber's image is, once there was one.
    pub fn freshness(&self, subscriber: &Subscriber) -> Option<Freshness> {
        let image = self.publisher.subscribers.lock().image(subscriber)?;
        self.lane(&image.scope)?.freshness(&image.id)
    }

    fn lane(&self, scope: &Scope) -> Option<Arc<Lane>> {
        self.lanes.lock().get(scope).cloned()
    }

    fn start_lane(&self, scope: &Scope) -> Arc<Lane> {
        let lane = Arc::new(Lane::new(self.settings));
        let (source, publisher) = (self.source.clone(), self.publisher.clone());
        let reader = Reader { lane: lane.clone(), source, scope: scope.clone(), settings: self.settings, publisher };
        tokio::spawn(reader.run());
        lane
    }
}

/// An image that nobody has any more is read no more, and a lane without images ends.
fn leave(lanes: &mut HashMap<Scope, Arc<Lane>>, left: Option<Arc<ImageRef>>) {
    if let Some(image) = left
        && lanes.get(&image.scope).is_some_and(|lane| lane.remove(&image.id))
    {
        lanes.remove(&image.scope);
    }
}

#[cfg(test)]
mod tests;
