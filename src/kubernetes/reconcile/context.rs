//! What all reconciles share.

use crate::describe_image::Region;
use crate::describe_image::source::Source;
use crate::kubernetes::identities::accounts::Accounts;
use crate::kubernetes::identities::grants::Identities;
use crate::kubernetes::identities::namespaces::NamespaceLabels;
use crate::kubernetes::metrics::Metrics;
use crate::kubernetes::reconcile::events::EventQueue;
use crate::kubernetes::reconcile::memory::Memory;
use crate::kubernetes::reconcile::pace::Pace;
use crate::kubernetes::status::moment::GracePeriods;
use crate::kubernetes::watch::watched_image::Reference;
use crate::reflector::Reflector;
use crate::reflector::intervals::Intervals;
use jiff::Timestamp;
use kube::Client;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How the controller behaves.
#[derive(Clone, Debug)]
pub struct ControllerSettings {
    /// The namespaces to watch. None: all.
    pub namespaces: Vec<String>,
    pub periods: GracePeriods,
    pub intervals: Intervals,
    /// The region of objects without one.
    pub default_region: Option<Region>,
    /// Whether a status shows presigned URLs in place of `s3://` ones.
    pub presigned_urls: bool,
    /// For each write to the API server.
    pub write_timeout: Duration,
    /// Reconciles at once.
    pub concurrency: u16,
}

/// What every reconcile shares.
pub struct Context<S> {
    pub client: Client,
    pub reflector: Reflector<S>,
    pub events: EventQueue,
    pub memory: Memory,
    pub accounts: Accounts,
    pub metrics: Metrics,
    pub pace: Pace,
    pub settings: ControllerSettings,
    /// As they are now. A change needs no restart.
    pub identities: watch::Receiver<Arc<Identities>>,
    pub namespaces: NamespaceLabels,
    /// When this process began to lead.
    pub leads_since: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

impl<S: Source + 'static> Context<S> {
    /// The object is gone, or nothing is known of it any more.
    pub fn forget(&self, object: &Reference) {
        self.memory.forget(object);
        self.reflector.unsubscribe(&object.into());
    }
}
