//! What the controller remembers of each object between two looks, beside its status. Losing it costs a grace
//! period that starts anew, never a wrong status.

use jiff::Timestamp;
use kube::runtime::reflector::ObjectRef;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::custom_image::CustomImage;

/// Of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// A re-created object inherits nothing.
    pub uid: String,
    /// Errors in a row, of AWS or of writing.
    pub failures: u32,
    /// Since when AWS has not answered.
    pub failing_since: Option<Timestamp>,
    /// When the AMI that the status shows was first missed.
    pub ami_missed_at: Option<Timestamp>,
    /// When AWS last answered.
    pub last_observed: Option<Timestamp>,
}

/// Of all objects.
#[derive(Debug, Default)]
pub struct Memory(Mutex<HashMap<ObjectRef<CustomImage>, Remembered>>);

impl Memory {
    /// What is remembered of the object with this uid.
    #[must_use]
    pub fn recall(&self, object: &ObjectRef<CustomImage>, uid: &str) -> Remembered {
        let known = self.lock().get(object).filter(|known| known.uid == uid).cloned();
        known.unwrap_or_else(|| Remembered { uid: uid.to_owned(), ..Remembered::default() })
    }

    pub fn store(&self, object: ObjectRef<CustomImage>, remembered: Remembered) {
        self.lock().insert(object, remembered);
    }

    pub fn forget(&self, object: &ObjectRef<CustomImage>) {
        self.lock().remove(object);
    }

    /// Counts one more error of the object and gives their number.
    pub fn count_failure(&self, object: &ObjectRef<CustomImage>) -> u32 {
        let mut known = self.lock();
        let remembered = known.entry(object.clone()).or_default();
        remembered.failures = remembered.failures.saturating_add(1);
        remembered.failures
    }

    /// When AWS last answered for the object it has longest not answered for.
    #[must_use]
    pub fn oldest_observation(&self) -> Option<Timestamp> {
        self.lock().values().filter_map(|remembered| remembered.last_observed).min()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ObjectRef<CustomImage>, Remembered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
