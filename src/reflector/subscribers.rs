//! `Subscribers`: which subscriber has which image. Only the reflector keeps this.

use crate::describe_image::Region;
use crate::describe_image::scope::ImageRef;
use crate::describe_image::source::Party;
use crate::fit::fit;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The tenants of an image with whose turns it is read. With so many, one of them is always near.
pub const MOST_TENANTS: usize = 64;

/// A subscriber to an image. Both fields are opaque to the reflector.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subscriber {
    /// The tenant that the subscriber belongs to, such as a namespace.
    pub tenant: String,
    /// The subscriber's name, unique in its tenant.
    pub key: String,
}

/// A map in both directions, always consistent. A subscriber has one image.
#[derive(Debug, Default)]
pub struct Subscribers {
    images: HashMap<Subscriber, Arc<ImageRef>>,
    subscribers: HashMap<Arc<ImageRef>, Vec<Subscriber>>,
}

impl Subscribers {
    /// Subscribes `subscriber` to `image`, instead of its previous image. Returns the previous image if it has no
    /// subscriber any more.
    #[must_use]
    pub fn set(&mut self, subscriber: &Subscriber, image: &ImageRef) -> Option<Arc<ImageRef>> {
        if self.images.get(subscriber).is_some_and(|before| **before == *image) {
            return None;
        }
        let left = self.remove(subscriber);
        let image =
            self.subscribers.get_key_value(image).map_or_else(|| Arc::new(image.clone()), |(image, _)| image.clone());
        self.subscribers.entry(image.clone()).or_default().push(subscriber.clone());
        self.images.insert(subscriber.clone(), image);
        left
    }

    /// Removes `subscriber`. Returns its image if it has no subscriber any more.
    #[must_use]
    pub fn remove(&mut self, subscriber: &Subscriber) -> Option<Arc<ImageRef>> {
        let image = self.images.remove(subscriber)?;
        fit(&mut self.images);
        let subscribers = self.subscribers.get_mut(&image)?;
        subscribers.retain(|other| other != subscriber);
        if !subscribers.is_empty() {
            return None;
        }
        self.subscribers.remove(&image);
        fit(&mut self.subscribers);
        Some(image)
    }

    #[must_use]
    pub fn image(&self, subscriber: &Subscriber) -> Option<Arc<ImageRef>> {
        self.images.get(subscriber).cloned()
    }

    #[must_use]
    pub fn of(&self, image: &ImageRef) -> &[Subscriber] {
        self.subscribers.get(image).map(Vec::as_slice).unwrap_or_default()
    }

    /// The tenants that subscribe to `image`.
    #[must_use]
    pub fn tenants(&self, image: &ImageRef) -> Vec<Party> {
        let tenants: BTreeSet<&str> = self.of(image).iter().map(|one| one.tenant.as_str()).collect();
        tenants.into_iter().take(MOST_TENANTS).map(|tenant| Party::Tenant(tenant.into())).collect()
    }

    /// The regions of the other subscribers of the same tenant.
    #[must_use]
    pub fn regions_beside(&self, subscriber: &Subscriber) -> BTreeSet<Region> {
        let others = self.images.iter().filter(|(other, _)| other.tenant == subscriber.tenant && *other != subscriber);
        others.map(|(_, image)| image.scope.region.clone()).collect()
    }

    /// Whether `tenant` subscribes to an image in `region`.
    #[must_use]
    pub fn reads_in(&self, tenant: &str, region: &Region) -> bool {
        self.images.iter().any(|(one, image)| one.tenant == tenant && image.scope.region == *region)
    }

    #[must_use]
    pub fn all(&self) -> Vec<Subscriber> {
        self.images.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe_image::{ImageId, Region, Scope};

    fn image(id: &str) -> ImageRef {
        let scope = Scope::default_identity(Region::parse("eu-west-1").unwrap());
        ImageRef { scope, id: ImageId::parse(id).unwrap() }
    }

    fn subscriber(key: &str) -> Subscriber {
        Subscriber { tenant: "hpc".into(), key: key.into() }
    }

    #[test]
    fn an_image_is_returned_when_its_last_subscriber_leaves() {
        let mut subscribers = Subscribers::default();
        let (a, b) = (subscriber("a"), subscriber("b"));
        assert_eq!(subscribers.set(&a, &image("one")), None);
        assert_eq!(subscribers.set(&b, &image("one")), None);
        assert_eq!(subscribers.of(&image("one")), [a.clone(), b.clone()]);
        assert_eq!(subscribers.set(&a, &image("two")), None, "b still has it");
        assert_eq!(subscribers.set(&b, &image("two")), Some(Arc::new(image("one"))));
        assert_eq!(subscribers.remove(&a), None);
        assert_eq!(subscribers.all(), std::slice::from_ref(&b));
        assert_eq!(subscribers.remove(&b), Some(Arc::new(image("two"))));
        assert_eq!((subscribers.remove(&b), subscribers.of(&image("two")).len()), (None, 0));
    }
}
