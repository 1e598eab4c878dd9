//! What the controller remembers of each object between two looks, beside its status. Losing it costs a grace
//! period that starts anew, never a wrong status.

use super::watched_image::{Reference, WatchedImage};
use jiff::Timestamp;
use kube::Resource;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

/// Of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// A re-created object inherits nothing.
    pub uid: String,
    /// Errors in a row: of writing, or because AWS may not be asked.
    pub failures: u32,
    /// Since when AWS may not be asked.
    pub failing_since: Option<Timestamp>,
    /// When the AMI that the status shows was first missed.
    pub ami_missed_at: Option<Timestamp>,
    /// The look that was last asked for, and when.
    pub requested: Option<(String, Timestamp)>,
    /// A version of the object that is known to be outdated, by a write of ours or another's, and how often it was met since:
    /// until the watch brings the next, looking again is in vain.
    pub outdated: Option<(String, u32)>,
    /// The version that our last write has made.
    pub written: Option<String>,
}

impl Remembered {
    /// When the look named `word` was asked for: the first time that it is met, now.
    pub fn requested_at(&mut self, word: &str, now: Timestamp) -> Timestamp {
        match &self.requested {
            Some((known, at)) if known == word => *at,
            _ => {
                self.requested = Some((word.to_owned(), now));
                now
            }
        }
    }

    /// Nothing is in the way any more.
    pub fn cleared(&mut self) {
        self.failures = 0;
        self.failing_since = None;
    }

    /// The object has changed since `version`: how often that was met.
    pub fn met_outdated(&mut self, version: &str) -> u32 {
        let before = self.outdated.take().filter(|(outdated, _)| outdated == version);
        let count = before.map_or(1, |(_, count)| count.saturating_add(1));
        self.outdated = Some((version.to_owned(), count));
        count
    }
}

/// Of all objects.
#[derive(Debug, Default)]
pub struct Memory(Mutex<HashMap<Reference, Remembered>>);

impl Memory {
    /// What is remembered of the object with this uid.
    #[must_use]
    pub fn recall(&self, object: &Reference, uid: &str) -> Remembered {
        let known = self.lock().get(object).filter(|known| known.uid == uid).cloned();
        known.unwrap_or_else(|| Remembered { uid: uid.to_owned(), ..Remembered::default() })
    }

    pub fn store(&self, object: Reference, remembered: Remembered) {
        self.lock().insert(object, remembered);
    }

    pub fn forget(&self, object: &Reference) {
        self.lock().remove(object);
    }

    /// Whether the object is as our last write has left it.
    #[must_use]
    pub fn has_written(&self, object: &WatchedImage) -> bool {
        let known = self.lock();
        let written = known.get(&object.reference()).and_then(|known| known.written.as_ref());
        written.is_some() && written == object.meta().resource_version.as_ref()
    }

    /// Counts one more error of the object and gives their number.
    pub fn count_failure(&self, object: &Reference) -> u32 {
        let mut known = self.lock();
        let remembered = known.entry(object.clone()).or_default();
        remembered.failures = remembered.failures.saturating_add(1);
        remembered.failures
    }

    /// Forgets all objects but these.
    pub fn retain(&self, objects: &HashSet<Reference>) {
        self.lock().retain(|object, _| objects.contains(object));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Reference, Remembered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
