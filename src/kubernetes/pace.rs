//! A failure that hits a whole region is written at a bounded rate: a thousand objects must not become a thousand
//! writes at once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Twenty writes a second.
const GAP: Duration = Duration::from_millis(50);

/// The next free moment of each region.
#[derive(Debug, Default)]
pub struct Pace(Mutex<HashMap<String, Instant>>);

impl Pace {
    /// Waits for the region's turn.
    pub async fn wait(&self, region: &str) {
        let turn = {
            let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = next.get(region).map_or_else(Instant::now, |next| (*next).max(Instant::now()));
            next.insert(region.to_owned(), turn + GAP);
            turn
        };
        tokio::time::sleep_until(turn).await;
    }
}
