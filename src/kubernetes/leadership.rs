//! Whether this process leads, and since when: it cannot have observed anything before.

pub mod lease;

use jiff::Timestamp;
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;

/// Leadership as the others see it.
#[derive(Clone, Debug)]
pub struct Leading {
    told: watch::Receiver<bool>,
    since: Arc<OnceLock<Timestamp>>,
}

impl Leading {
    #[must_use]
    pub fn new(told: watch::Receiver<bool>) -> Self {
        Self { told, since: Arc::default() }
    }

    /// Waits for leadership; forever when the election has ended without it, for that ends the process.
    pub async fn begun(&self) {
        let mut told = self.told.clone();
        if told.wait_for(|leading| *leading).await.is_err() {
            std::future::pending::<()>().await;
        }
        let _ = self.since();
    }

    #[must_use]
    pub fn is_now(&self) -> bool {
        *self.told.borrow()
    }

    /// When this process began to lead; asked for only once it does.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        *self.since.get_or_init(Timestamp::now)
    }
}
