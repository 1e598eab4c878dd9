//! `ScopeLane`: a lane with its scope, its source and its subscribers.

use crate::describe_image::image_id::ImageId;
use crate::describe_image::observe::plan::{Plan, Sizes};
use crate::describe_image::scope::{ImageRef, Scope};
use crate::describe_image::source::Party;
use crate::reflector::lane::{Lane, ReflectorSettings};
use crate::reflector::subscribers::{Subscriber, Subscribers};
use futures::channel::mpsc;
use parking_lot::Mutex;
use std::sync::Arc;

/// Publishes an image to its subscribers.
#[derive(Clone)]
pub struct Publisher {
    pub subscribers: Arc<Mutex<Subscribers>>,
    pub changes: mpsc::UnboundedSender<Subscriber>,
}

impl Publisher {
    fn publish(&self, image: &ImageRef) {
        for subscriber in self.subscribers.lock().of(image) {
            // There is no receiver any more when the process ends.
            let _ = self.changes.unbounded_send(subscriber.clone());
        }
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

    /// The tenants that subscribe to the image.
    pub fn tenants(&self, id: &ImageId) -> Vec<Party> {
        self.publisher.subscribers.lock().tenants(&self.image(id.clone()))
    }

    pub fn publish(&self, id: ImageId) {
        self.publisher.publish(&self.image(id));
    }

    fn image(&self, id: ImageId) -> ImageRef {
        ImageRef { scope: self.scope.clone(), id }
    }
}
