//! Reloads the configuration when the content of its file changes.

use crate::kubernetes::identities::grants::Identities;
use crate::process::configuration::{InvalidConfiguration, parse};
use crate::process::followed::{Source, follow};
use prometheus_client::metrics::gauge::Gauge;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;

/// Reads `file` and follows its changes. The receiver has the current identities. Without a file they never change.
///
/// # Errors
/// When the file cannot be read or is invalid.
pub fn start(file: Option<PathBuf>, is_valid: Gauge) -> Result<watch::Receiver<Arc<Identities>>, InvalidConfiguration> {
    match file {
        Some(file) => follow(Configuration(file), is_valid),
        None => {
            is_valid.set(1);
            Ok(watch::channel(Arc::new(Identities::new([]))).1)
        }
    }
}

struct Configuration(PathBuf);

impl Source for Configuration {
    type Content = String;
    type Value = Identities;
    type Error = InvalidConfiguration;

    const WHAT: &'static str = "configuration";

    fn place(&self) -> String {
        self.0.display().to_string()
    }

    fn read(&self) -> Result<String, InvalidConfiguration> {
        Ok(std::fs::read_to_string(&self.0)?)
    }

    fn parse(content: &String) -> Result<Identities, InvalidConfiguration> {
        parse(content)
    }

    fn is_same(before: &Identities, now: &Identities) -> bool {
        before == now
    }
}
