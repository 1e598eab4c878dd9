//! What all reconciles share, and the settings of the controller.

use crate::backoff::jittered;
use crate::clock::Clock;
use crate::describe_image::Region;
use crate::describe_image::source::Source;
use crate::kubernetes::custom_image::CustomImage;
use crate::kubernetes::identities::accounts::Accounts;
use crate::kubernetes::identities::grants::Identities;
use crate::kubernetes::identities::namespaces::NamespaceLabels;
use crate::kubernetes::leadership::Leadership;
use crate::kubernetes::metrics::Metrics;
use crate::kubernetes::reconcile::events::EventQueue;
use crate::kubernetes::reconcile::memory::Memory;
use crate::kubernetes::reconcile::pace::Pace;
use crate::kubernetes::reconcile::wanted::{self, Wanted};
use crate::kubernetes::status::moment::GracePeriods;
use crate::kubernetes::watch::watched_image::Reference;
use crate::reflector::Reflector;
use crate::reflector::intervals::Intervals;
use jiff::Timestamp;
use kube::Client;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The settings of the controller.
#[derive(Clone, Debug)]
pub struct ControllerSettings {
    /// The namespaces to watch. Empty: all.
    pub namespaces: Vec<String>,
    pub periods: GracePeriods,
    pub intervals: Intervals,
    /// The region of objects without one.
    pub default_region: Option<Region>,
    /// Whether a status contains presigned URLs instead of `s3://` ones.
    pub presigned_urls: bool,
    /// Timeout of each write to the API server.
    pub write_timeout: Duration,
    /// Maximum number of reconciles at once.
    pub concurrency: u16,
    pub clock: Clock,
}

/// How much the controller keeps for objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    pub subscribers: usize,
    pub remembered: usize,
    pub scopes: usize,
}

/// What every reconcile shares.
pub struct Context<S> {
    pub client: Client,
    pub reflector: Arc<Reflector<S>>,
    pub events: EventQueue,
    pub memory: Memory,
    pub accounts: Accounts,
    pub metrics: Metrics,
    pub pace: Pace,
    pub settings: ControllerSettings,
    /// The current identities. A change needs no restart.
    pub identities: watch::Receiver<Arc<Identities>>,
    pub namespaces: Arc<NamespaceLabels>,
    pub leadership: Leadership,
}

impl<S> Context<S> {
    pub fn now(&self) -> Timestamp {
        self.settings.clock.now()
    }

    /// The region of the image that the object wants. Empty if nothing says which one.
    pub fn region_of(&self, object: &CustomImage) -> String {
        wanted::region_of(object, self.settings.default_region.as_ref())
    }

    /// What the object wants, in this region.
    pub fn wanted(&self, object: &CustomImage, region: &str) -> Wanted {
        let identities = self.identities.borrow().clone();
        wanted::wanted(object, region, &identities, &self.namespaces)
    }

    /// The pause after this many failures of one object in a row.
    pub fn pause_after(&self, failures: u32) -> Duration {
        jittered(self.settings.intervals.after_error(failures))
    }
}

impl<S: Source + 'static> Context<S> {
    pub fn kept(&self) -> Kept {
        let Self { reflector, memory, .. } = self;
        Kept { subscribers: reflector.subscribers().len(), remembered: memory.count(), scopes: reflector.scopes() }
    }

    /// Drops everything that is kept for a deleted object.
    pub fn forget(&self, object: &Reference) {
        self.memory.forget(object);
        self.reflector.unsubscribe(&object.into());
    }
}
