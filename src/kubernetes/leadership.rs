//! Whether this process leads: only the leader reads AWS and writes.

pub mod lease;

use jiff::Timestamp;
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;

/// Leadership, as the others see it.
#[derive(Clone, Debug)]
pub struct Leadership {
    leads: watch::Receiver<bool>,
    since: Arc<OnceLock<Timestamp>>,
}

impl Leadership {
    #[must_use]
    pub fn new(leads: watch::Receiver<bool>) -> Self {
        Self { leads, since: Arc::default() }
    }

    /// Waits for leadership. Forever when the election has ended without it, for that ends the process.
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

    /// When this process began to lead: it cannot have observed anything before. To be asked for only while it leads.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        *self.since.get_or_init(Timestamp::now)
    }
}
