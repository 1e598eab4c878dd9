//! Whether this process leads. Only the leader reads AWS and writes.

pub mod lease;
pub mod releases;

use crate::clock::{Clock, Stamp};
use jiff::Timestamp;
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;

/// Leadership, for the parts of the program that depend on it.
#[derive(Clone, Debug)]
pub struct Leadership {
    leads: watch::Receiver<bool>,
    since: Arc<OnceLock<Stamp>>,
    clock: Clock,
}

impl Leadership {
    #[must_use]
    pub fn new(leads: watch::Receiver<bool>, clock: Clock) -> Self {
        Self { leads, since: Arc::default(), clock }
    }

    /// Waits until this process leads. Never returns if the election ends before, because the process ends then, too.
    pub async fn begun(&self) {
        let mut leads = self.leads.clone();
        if leads.wait_for(|leads| *leads).await.is_err() {
            std::future::pending::<()>().await;
        }
        let _ = self.since();
    }

    #[must_use]
    pub fn is_held(&self) -> bool {
        *self.leads.borrow()
    }

    /// When this process began to lead. It has observed nothing before that. Call it only while the process leads,
    /// because the first call sets the time.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        self.since.get_or_init(|| Stamp::new(self.clock)).by(self.clock.now())
    }
}
