//! `ScopeLane`: a lane with its scope, its source and its subscribers.

use crate::describe_image::image_id::ImageId;
use crate::describe_image::observe::plan::{Plan, Sizes};
use crate::describe_image::scope::{ImageRef, Scope};
use crate::describe_image::source::Party;
use crate::reflector::guests::Guests;
use crate::reflector::lane::Lane;
use crate::reflector::settings::ReflectorSettings;
use crate::reflector::subscribers::{Subscriber, Subscribers};
use futures::channel::mpsc;
use parking_lot::Mutex;
use std::sync::Arc;

/// Publishes an image to its subscribers, and to those who wait for it.
#[derive(Clone)]
pub struct Publisher {
    pub subscribers: Arc<Mutex<Subscribers>>,
    pub guests: Arc<Guests>,
    pub changes: mpsc::UnboundedSender<Subscriber>,
}

impl Publisher {
    fn publish(&self, image: &ImageRef) {
        for subscriber in self.subscribers.lock().of(image) {
            // There is no receiver any more when the process ends.
            let _ = self.changes.unbounded_send(subscriber.clone());
        }
        self.guests.answered(image);
    }
}

/// What the reads of a lane need.
pub struct ScopeLane<S> {
    pub lane: Arc<Lane>,
    pub source: Arc<S>,
    pub scope: Scope,
    pub settings: ReflectorSettings,
    pub publisher: Publisher,
}

impl<S> ScopeLane<S> {
    pub fn plan(&self, sizes: Sizes) -> Plan {
        Plan { batching: self.settings.batching, includes_disabled: true, sizes }
    }

    /// The tenants that subscribe to the image or ask for it.
    pub fn tenants(&self, id: &ImageId) -> Vec<Party> {
        let image = self.image(id.clone());
        let mut tenants = self.publisher.subscribers.lock().tenants(&image);
        tenants.extend(self.publisher.guests.tenants(&image));
        tenants
    }

    pub fn publish(&self, id: ImageId) {
        self.publisher.publish(&self.image(id));
    }

    fn image(&self, id: ImageId) -> ImageRef {
        ImageRef { scope: self.scope.clone(), id }
    }
}
