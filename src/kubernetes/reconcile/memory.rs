//! What the controller remembers of each object between two looks, beside its status. Losing it costs a grace
//! period that starts anew, never a wrong status.

use crate::kubernetes::status::moment::Orphan;
use crate::kubernetes::watch::watched_image::{Reference, WatchedImage};
use jiff::Timestamp;
use kube::Resource;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

/// Of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// A re-created object inherits nothing.
    pub uid: String,
    /// Looks in a row that AWS may not be asked for.
    pub failures: u32,
    /// Writes in a row that failed.
    pub unwritten: u32,
    /// Since when AWS may not be asked.
    pub failing_since: Option<Timestamp>,
    /// When the AMI that the status shows was first missed.
    pub ami_missed_at: Option<Timestamp>,
    /// What EC2 last said of the AMI that a finished build has left behind.
    pub orphan: Option<AskedOrphan>,
    /// The look that was last asked for, and when.
    pub requested: Option<(String, Timestamp)>,
    /// A version of the object that is known to be outdated, by a write of ours or another's, and how often it was met since:
    /// until the watch brings the next, looking again is in vain.
    pub outdated: Option<(String, u32)>,
    /// The version that our last write has made.
    pub written: Option<String>,
}

/// An answer to the question for an orphan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedOrphan {
    /// The ARN of the image build.
    pub arn: String,
    pub at: Timestamp,
    pub answer: Orphan,
    /// When it was first not listed.
    pub missed_at: Option<Timestamp>,
    pub again_at: Timestamp,
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

    /// A write has made `now` of the version `before`, unless the server found nothing to change. Until the watch has brought
    /// it, another look would write it again.
    pub fn wrote(&mut self, before: String, now: Option<String>) {
        self.unwritten = 0;
        if now.as_ref() != Some(&before) {
            (self.outdated, self.written) = (Some((before, 0)), now);
        }
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

    /// Whether the object is as our last write has left it, and no look was put off until it comes.
    #[must_use]
    pub fn has_written(&self, object: &WatchedImage) -> bool {
        let known = self.lock();
        let Some(Remembered { written: Some(written), outdated, .. }) = known.get(&object.reference()) else {
            return false;
        };
        let is_awaited = outdated.as_ref().is_some_and(|(_, met)| *met > 0);
        !is_awaited && object.meta().resource_version.as_ref() == Some(written)
    }

    /// Whether the object is known to have changed since.
    #[must_use]
    pub fn is_outdated(&self, object: &WatchedImage) -> bool {
        let known = self.lock();
        let outdated = known.get(&object.reference()).and_then(|known| known.outdated.as_ref());
        outdated.is_some_and(|(version, _)| object.meta().resource_version.as_ref() == Some(version))
    }

    /// Counts one more write that failed, and gives their number in a row.
    pub fn count_unwritten(&self, object: &Reference) -> u32 {
        let mut known = self.lock();
        let remembered = known.entry(object.clone()).or_default();
        remembered.unwritten = remembered.unwritten.saturating_add(1);
        remembered.unwritten
    }

    /// Forgets all objects but these.
    pub fn retain(&self, objects: &HashSet<Reference>) {
        self.lock().retain(|object, _| objects.contains(object));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Reference, Remembered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn watched(version: &str) -> WatchedImage {
        let metadata = json!({"name": "hpc", "namespace": "images", "resourceVersion": version});
        serde_json::from_value(json!({"metadata": metadata, "spec": {"imageId": "hpc"}})).unwrap()
    }

    #[test]
    fn our_own_write_is_no_news_unless_a_look_was_put_off_until_it_comes() {
        let memory = Memory::default();
        assert!(!memory.has_written(&watched("2")));
        let mut remembered = Remembered::default();
        remembered.wrote("1".into(), Some("2".into()));
        memory.store(watched("1").reference(), remembered.clone());
        assert!(memory.has_written(&watched("2")) && !memory.has_written(&watched("3")));
        assert!(memory.is_outdated(&watched("1")) && !memory.is_outdated(&watched("2")));
        remembered.met_outdated("1");
        memory.store(watched("1").reference(), remembered);
        assert!(!memory.has_written(&watched("2")), "somebody waits for it");
    }
}
