//! What AWS says of the images that are wanted, kept fresh by reads in bulk. Each scope has a lane of its own, so that none
//! waits for another's trouble. Only an answer that is another than before is told, or one that somebody waits for.

mod answer;
mod entry;
pub mod intervals;
mod lane;
pub mod reading;

use crate::describe_image::image_config::ConfigObject;
use crate::describe_image::source::{ImageConfigSource, ImageSource, OrphanSource};
use crate::describe_image::{ImageId, Scope, SourceError};
use crate::reflector::intervals::Intervals;
use crate::reflector::reading::{Freshness, Observe, Reading};
use futures::channel::mpsc;
use jiff::Timestamp;
use lane::Lane;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// An image whose answer has changed.
pub type Changed = (Scope, ImageId);

/// How the reflector reads.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Time that a wish waits for others, so that they share calls.
    pub window: Duration,
    pub intervals: Intervals,
    /// From the last answer until an image whose read is still under way counts as unanswered; at least three intervals.
    pub overdue: Duration,
    pub shares_calls: bool,
    /// A number from 0 to 1, which spreads the reads.
    pub chance: fn() -> f64,
}

/// A store of answers for each scope.
pub struct Reflector<S> {
    source: Arc<S>,
    settings: Settings,
    lanes: Mutex<HashMap<Scope, Arc<Lane>>>,
    changed: mpsc::UnboundedSender<Changed>,
}

impl<S: ImageSource + 'static> Reflector<S> {
    /// An empty one, and the changes that it will tell.
    pub fn new(source: S, settings: Settings) -> (Self, mpsc::UnboundedReceiver<Changed>) {
        let (changed, told) = mpsc::unbounded();
        (Self { source: Arc::new(source), settings, lanes: Mutex::default(), changed }, told)
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<Scope, Arc<Lane>>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does `with` the scope's lane, which no one ends meanwhile.
    fn in_lane<T>(&self, scope: &Scope, with: impl FnOnce(&Lane) -> T) -> T {
        let mut lanes = self.lanes();
        let start = || {
            let lane = Arc::new(Lane::default());
            let (source, changed) = (self.source.clone(), self.changed.clone());
            tokio::spawn(lane::serve(lane.clone(), source, scope.clone(), self.settings, changed));
            lane
        };
        with(lanes.entry(scope.clone()).or_insert_with(start))
    }
}

impl<S: ImageSource + 'static> Observe for Reflector<S> {
    fn latest(&self, scope: &Scope, id: &ImageId, not_before: Option<Timestamp>) -> Option<Reading> {
        self.lanes().get(scope)?.latest(id, not_before)
    }

    fn want(&self, scope: &Scope, id: &ImageId) {
        self.in_lane(scope, |lane| lane.want(id));
    }

    fn forget(&self, scope: &Scope, id: &ImageId) {
        let mut lanes = self.lanes();
        if lanes.get(scope).is_some_and(|lane| lane.forget(id)) {
            lanes.remove(scope);
        }
    }

    fn freshness(&self, scope: &Scope, id: &ImageId) -> Option<Freshness> {
        self.lanes().get(scope)?.freshness(id, &self.settings.intervals)
    }
}

impl<S: ImageConfigSource> ImageConfigSource for Reflector<S> {
    async fn presigned_url(&self, scope: &Scope, object: &ConfigObject) -> Option<String> {
        self.source.presigned_url(scope, object).await
    }
}

impl<S: OrphanSource> OrphanSource for Reflector<S> {
    async fn orphan(&self, scope: &Scope, image_build_arn: &str) -> Result<Option<String>, SourceError> {
        self.source.orphan(scope, image_build_arn).await
    }
}

#[cfg(test)]
mod tests;
