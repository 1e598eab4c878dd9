//! What all reconciles share, and how they behave.

use crate::describe_image::Region;
use crate::kubernetes::identities::accounts::Accounts;
use crate::kubernetes::identities::grants::Identities;
use crate::kubernetes::identities::namespaces::NamespaceLabels;
use crate::kubernetes::index::{Index, Target};
use crate::kubernetes::leadership::Leading;
use crate::kubernetes::metrics::Meter;
use crate::kubernetes::reconcile::events::EventQueue;
use crate::kubernetes::reconcile::memory::Memory;
use crate::kubernetes::reconcile::pace::Pace;
use crate::kubernetes::status::moment::GracePeriods;
use crate::kubernetes::watch::watched_image::Reference;
use crate::reflector::intervals::Intervals;
use crate::reflector::reading::Observe;
use kube::Client;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// What every reconcile shares.
pub struct Context<O> {
    pub client: Client,
    pub observer: O,
    pub events: EventQueue,
    pub index: Index,
    /// What is shown and what is read change together.
    pub showing: Mutex<()>,
    pub memory: Memory,
    pub accounts: Accounts,
    pub meter: Meter,
    pub pace: Pace,
    pub settings: Settings,
    /// As they stand now; a change needs no restart.
    pub identities: watch::Receiver<Arc<Identities>>,
    pub namespaces: NamespaceLabels,
    pub leading: Leading,
}

impl<O: Observe> Context<O> {
    /// From now on `object` shows `target`, which is read in time.
    pub fn show(&self, object: &Reference, target: &Target) {
        let _turn = self.showing.lock().unwrap_or_else(PoisonError::into_inner);
        let left = self.index.set(object, target);
        self.observer.want(&target.0, &target.1);
        self.forget(left);
    }

    /// `object` shows no image of AWS any more.
    pub fn hide(&self, object: &Reference) {
        let _turn = self.showing.lock().unwrap_or_else(PoisonError::into_inner);
        self.forget(self.index.remove(object));
    }

    fn forget(&self, left: Option<Arc<Target>>) {
        if let Some((scope, id)) = left.as_deref() {
            self.observer.forget(scope, id);
        }
    }
}

/// How the controller behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The namespaces to watch; none: all.
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
