//! The text of /metrics. Encoding it costs CPU, so a flood of scrapes shares few encodings.

use axum::body::Bytes;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// The pause after an encoding is this many times as long as the encoding. So encoding takes a tenth of a CPU at most.
const PAUSE: u32 = 9;
/// A scrape does not wait longer, however large the text is.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub struct Scrapes {
    registry: Arc<Registry>,
    /// Locked during an encoding and the pause before it, so there is one at a time.
    last: Mutex<Option<Encoding>>,
}

struct Encoding {
    begun: Instant,
    /// The next one may begin.
    rested: Instant,
    text: Bytes,
}

impl Scrapes {
    pub fn new(registry: Arc<Registry>) -> Self {
        Self { registry, last: Mutex::default() }
    }

    /// A text whose encoding began after this call, so no scrape sees old values. All that wait get the same text.
    ///
    /// # Errors
    /// If a metric cannot be encoded.
    pub async fn text(&self) -> Result<Bytes, fmt::Error> {
        let asked = Instant::now();
        let mut last = self.last.lock().await;
        if let Some(encoding) = &*last {
            if encoding.begun >= asked {
                return Ok(encoding.text.clone());
            }
            sleep_until(encoding.rested).await;
        }
        let begun = Instant::now();
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        let pause = (begun.elapsed() * PAUSE).min(LONGEST_PAUSE);
        let text = Bytes::from(text);
        *last = Some(Encoding { begun, rested: Instant::now() + pause, text: text.clone() });
        Ok(text)
    }
}
