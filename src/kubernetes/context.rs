//! What all reconciles share, and how they behave.

use super::accounts::Accounts;
use super::identities::Identities;
use super::leading::Leading;
use super::memory::Memory;
use super::meter::Meter;
use super::namespaces::NamespaceLabels;
use super::pace::Pace;
use super::recorder::EventQueue;
use super::requeue::Intervals;
use super::status;
use crate::describe_image::Region;
use kube::Client;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// What every reconcile shares.
pub struct Context<O> {
    pub client: Client,
    pub observer: O,
    pub events: EventQueue,
    pub memory: Arc<Memory>,
    pub accounts: Accounts,
    pub meter: Meter,
    pub pace: Pace,
    pub settings: Settings,
    /// As they stand now; a change needs no restart.
    pub identities: watch::Receiver<Arc<Identities>>,
    pub namespaces: NamespaceLabels,
    pub leading: Leading,
}

/// How the controller behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The namespaces to watch; none: all.
    pub namespaces: Vec<String>,
    pub status: status::Settings,
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
