//! Which object shows which image: so that one image is read once for all, and a change finds its objects.

use super::custom_image::CustomImage;
use crate::describe_image::{ImageId, Scope};
use kube::runtime::reflector::ObjectRef;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An image in its scope.
pub type Target = (Scope, ImageId);

/// Both ways, always in step.
#[derive(Debug, Default)]
pub struct Index(Mutex<Both>);

#[derive(Debug, Default)]
struct Both {
    by_object: HashMap<ObjectRef<CustomImage>, Target>,
    by_image: HashMap<Target, HashSet<ObjectRef<CustomImage>>>,
}

impl Index {
    /// From now on `object` shows `target`. Gives the image that nobody shows any more, if there is one.
    #[must_use]
    pub fn set(&self, object: &ObjectRef<CustomImage>, target: &Target) -> Option<Target> {
        let mut both = self.lock();
        if both.by_object.get(object) == Some(target) {
            return None;
        }
        let left = both.remove(object);
        both.by_object.insert(object.clone(), target.clone());
        both.by_image.entry(target.clone()).or_default().insert(object.clone());
        left
    }

    /// `object` shows nothing. Gives the image that nobody shows any more, if there is one.
    #[must_use]
    pub fn remove(&self, object: &ObjectRef<CustomImage>) -> Option<Target> {
        self.lock().remove(object)
    }

    #[must_use]
    pub fn target(&self, object: &ObjectRef<CustomImage>) -> Option<Target> {
        self.lock().by_object.get(object).cloned()
    }

    #[must_use]
    pub fn objects(&self, target: &Target) -> Vec<ObjectRef<CustomImage>> {
        self.lock().by_image.get(target).map(|objects| objects.iter().cloned().collect()).unwrap_or_default()
    }

    /// All objects that show something.
    #[must_use]
    pub fn shown(&self) -> Vec<ObjectRef<CustomImage>> {
        self.lock().by_object.keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Both> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Both {
    fn remove(&mut self, object: &ObjectRef<CustomImage>) -> Option<Target> {
        let target = self.by_object.remove(object)?;
        let objects = self.by_image.get_mut(&target)?;
        objects.remove(object);
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
        let (a, b) = (ObjectRef::new("a").within("hpc"), ObjectRef::new("b").within("hpc"));
        assert_eq!(index.set(&a, &target("one")), None);
        assert_eq!(index.set(&b, &target("one")), None);
        assert_eq!(index.objects(&target("one")).len(), 2);
        assert_eq!(index.set(&a, &target("two")), None, "b still shows it");
        assert_eq!(index.set(&b, &target("two")), Some(target("one")));
        assert_eq!(index.remove(&a), None);
        assert_eq!(index.shown(), std::slice::from_ref(&b));
        assert_eq!(index.remove(&b), Some(target("two")));
        assert_eq!((index.remove(&b), index.objects(&target("two")).len()), (None, 0));
    }
}
