//! What the controller remembers of each object between two reconciles, beside its status. To lose it costs a grace period that
//! starts anew, never a wrong status.

use crate::kubernetes::status::moment::Orphan;
use crate::kubernetes::watch::watched_image::{Reference, WatchedImage};
use jiff::Timestamp;
use kube::Resource;
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};

/// An object is met so often at a version that is known to be outdated before it is reconciled all the same: an API server that
/// was set back to an older state brings no other version.
const MOST_MEETINGS: u32 = 8;

/// Of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// A re-created object inherits nothing.
    pub uid: String,
    /// Since when it asks for what it may not have, and how often it was told so.
    pub refused: Option<(Timestamp, u32)>,
    /// Writes in a row that failed.
    pub failed_writes: u32,
    /// When the image that the status shows was first missed.
    pub missed_at: Option<Timestamp>,
    /// What EC2 last said of the AMI that a finished build has left behind.
    pub orphan: Option<AskedOrphan>,
    /// The word of the read that a person last asked for, and when it was met.
    pub requested: Option<(String, Timestamp)>,
    pub echo: Echo,
}

/// Whether the watch has brought the last write, ours or another's. Until then another reconcile would be in vain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Echo {
    #[default]
    Seen,
    Awaited {
        /// The version that is known to be outdated.
        outdated: String,
        /// The version that our own write has made.
        written: Option<String>,
        /// How often the outdated version was met since.
        met: u32,
    },
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
    /// When the read named `word` was asked for: now, when it is met for the first time.
    pub fn requested_at(&mut self, word: &str, now: Timestamp) -> Timestamp {
        match &self.requested {
            Some((known, at)) if known == word => *at,
            _ => self.requested.insert((word.to_owned(), now)).1,
        }
    }

    /// The object is told once more that it may not have what it asks for. Gives since when.
    pub fn refused_again(&mut self, now: Timestamp) -> Timestamp {
        let (since, count) = self.refused.unwrap_or((now, 0));
        self.refused.insert((since, count.saturating_add(1))).0
    }
}

impl Echo {
    /// A write has made `written` of the version `before`, unless the server found nothing to change.
    pub fn wrote(&mut self, before: &str, written: Option<String>) {
        if written.as_deref() != Some(before) {
            *self = Self::Awaited { outdated: before.to_owned(), written, met: 0 };
        }
    }

    /// The object has changed since `version`: how often that was met.
    pub fn met_outdated(&mut self, version: &str) -> u32 {
        let (before, written) = match std::mem::take(self) {
            Self::Awaited { outdated, written, met } if outdated == version => (met, written),
            Self::Awaited { written, .. } => (0, written),
            Self::Seen => (0, None),
        };
        let met = before.saturating_add(1);
        *self = Self::Awaited { outdated: version.to_owned(), written, met };
        met
    }

    /// Whether `version` is outdated, and another is still on its way.
    #[must_use]
    pub fn is_awaited_at(&self, version: &str) -> bool {
        matches!(self, Self::Awaited { outdated, met, .. } if outdated == version && *met < MOST_MEETINGS)
    }

    /// The watch has brought `version`. True when that is our own write and nobody waits for it.
    fn arrived(&mut self, version: &str) -> bool {
        match self {
            Self::Awaited { written: Some(written), met, .. } if written == version => {
                let is_waited_for = *met > 0;
                *self = Self::Seen;
                !is_waited_for
            }
            _ => false,
        }
    }
}

/// Of all objects.
#[derive(Debug, Default)]
pub struct Memory(Mutex<HashMap<Reference, Remembered>>);

impl Memory {
    /// What is remembered of the object with this uid.
    #[must_use]
    pub fn recall(&self, object: &Reference, uid: &str) -> Remembered {
        let known = self.0.lock().get(object).filter(|known| known.uid == uid).cloned();
        known.unwrap_or_else(|| Remembered { uid: uid.to_owned(), ..Remembered::default() })
    }

    pub fn store(&self, object: Reference, remembered: Remembered) {
        self.0.lock().insert(object, remembered);
    }

    pub fn forget(&self, object: &Reference) {
        self.0.lock().remove(object);
    }

    /// The watch has brought the object. True when it is as our own write has left it, and nobody waits for it.
    #[must_use]
    pub fn is_echo(&self, object: &WatchedImage) -> bool {
        let version = object.meta().resource_version.as_deref().unwrap_or_default();
        self.0.lock().get_mut(&object.reference()).is_some_and(|known| known.echo.arrived(version))
    }

    /// Whether the object is known to have changed since.
    #[must_use]
    pub fn is_outdated(&self, object: &WatchedImage) -> bool {
        let known = self.0.lock();
        let Some(Echo::Awaited { outdated, .. }) = known.get(&object.reference()).map(|known| &known.echo) else {
            return false;
        };
        object.meta().resource_version.as_ref() == Some(outdated)
    }

    /// Counts one more write that failed, and gives their number in a row.
    pub fn count_failed_write(&self, object: &Reference) -> u32 {
        let mut known = self.0.lock();
        let remembered = known.entry(object.clone()).or_default();
        remembered.failed_writes = remembered.failed_writes.saturating_add(1);
        remembered.failed_writes
    }

    /// Forgets all objects but these.
    pub fn retain(&self, objects: &HashSet<Reference>) {
        self.0.lock().retain(|object, _| objects.contains(object));
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

    fn remembering(echo: Echo) -> Memory {
        let memory = Memory::default();
        memory.store(watched("1").reference(), Remembered { echo, ..Remembered::default() });
        memory
    }

    #[test]
    fn our_own_write_is_no_news_unless_a_reconcile_was_put_off_until_it_comes() {
        assert!(!Memory::default().is_echo(&watched("2")));
        let mut echo = Echo::default();
        echo.wrote("1", Some("2".into()));
        let memory = remembering(echo.clone());
        assert!(memory.is_outdated(&watched("1")) && !memory.is_outdated(&watched("2")));
        assert!(!memory.is_echo(&watched("3")) && memory.is_echo(&watched("2")));
        echo.met_outdated("1");
        assert!(!remembering(echo).is_echo(&watched("2")), "somebody waits for it");
    }

    #[test]
    fn an_outdated_object_is_not_put_off_for_ever() {
        let mut echo = Echo::default();
        assert!(!echo.is_awaited_at("1"));
        echo.wrote("1", Some("1".into()));
        assert_eq!(echo, Echo::Seen, "the server found nothing to change");
        let meetings = (1..=MOST_MEETINGS).map(|met| (echo.met_outdated("1") == met, echo.is_awaited_at("1")));
        assert!(meetings.take(7).all(|meeting| meeting == (true, true)));
        echo.met_outdated("1");
        assert!(!echo.is_awaited_at("1"));
    }
}
