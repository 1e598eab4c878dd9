//! Which object shows which image: so that one image is read once for all, and a change finds its objects.

use crate::describe_image::{ImageId, Scope};
use crate::kubernetes::watch::watched_image::Reference;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An image in its scope.
pub type Target = (Scope, ImageId);

/// Both ways, always in step.
#[derive(Debug, Default)]
pub struct Index(Mutex<Both>);

#[derive(Debug, Default)]
struct Both {
    by_object: HashMap<Reference, Arc<Target>>,
    by_image: HashMap<Arc<Target>, Vec<Reference>>,
}

impl Index {
    /// From now on `object` shows `target`. Gives the image that nobody shows any more, if there is one.
    #[must_use]
    pub fn set(&self, object: &Reference, target: &Target) -> Option<Arc<Target>> {
        let mut both = self.lock();
        if both.by_object.get(object).is_some_and(|shown| **shown == *target) {
            return None;
        }
        let left = both.remove(object);
        let target =
            both.by_image.get_key_value(target).map_or_else(|| Arc::new(target.clone()), |(known, _)| known.clone());
        both.by_image.entry(target.clone()).or_default().push(object.clone());
        both.by_object.insert(object.clone(), target);
        left
    }

    /// `object` shows nothing. Gives the image that nobody shows any more, if there is one.
    #[must_use]
    pub fn remove(&self, object: &Reference) -> Option<Arc<Target>> {
        self.lock().remove(object)
    }

    #[must_use]
    pub fn target(&self, object: &Reference) -> Option<Arc<Target>> {
        self.lock().by_object.get(object).cloned()
    }

    #[must_use]
    pub fn objects(&self, target: &Target) -> Vec<Reference> {
        self.lock().by_image.get(target).cloned().unwrap_or_default()
    }

    /// All objects that show something.
    #[must_use]
    pub fn shown(&self) -> Vec<Reference> {
        self.lock().by_object.keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Both> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Both {
    fn remove(&mut self, object: &Reference) -> Option<Arc<Target>> {
        let target = self.by_object.remove(object)?;
        let objects = self.by_image.get_mut(&target)?;
        objects.retain(|shown| shown != object);
        if !objects.is_empty() {
            return None;
        }
        self.by_image.remove(&target);
        Some(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe_image::Region;

    fn target(id: &str) -> Target {
        (Scope::default_identity(Region::parse("eu-west-1").unwrap()), ImageId::parse(id).unwrap())
    }

    #[test]
    fn an_image_is_left_when_its_last_object_is() {
        let index = Index::default();
        let (a, b) = (Reference::new("a").within("hpc"), Reference::new("b").within("hpc"));
        assert_eq!(index.set(&a, &target("one")), None);
        assert_eq!(index.set(&b, &target("one")), None);
        assert_eq!(index.objects(&target("one")).len(), 2);
        assert_eq!(index.set(&a, &target("two")), None, "b still shows it");
        assert_eq!(index.set(&b, &target("two")), Some(Arc::new(target("one"))));
        assert_eq!(index.remove(&a), None);
        assert_eq!(index.shown(), std::slice::from_ref(&b));
        assert_eq!(index.remove(&b), Some(Arc::new(target("two"))));
        assert_eq!((index.remove(&b), index.objects(&target("two")).len()), (None, 0));
    }
}
