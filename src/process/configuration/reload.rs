//! Reloads the configuration when the content of its file changes.

use crate::kubernetes::identities::grants::Identities;
use crate::process::configuration::{InvalidConfiguration, parse};
use crate::process::followed::{FromFiles, follow};
use prometheus_client::metrics::gauge::Gauge;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;

/// Reads `file` and follows its changes. The receiver has the current identities. Without a file they never change.
///
/// # Errors
/// When the file cannot be read or is invalid.
pub fn start(file: Option<PathBuf>, is_valid: Gauge) -> Result<watch::Receiver<Arc<Identities>>, InvalidConfiguration> {
    match file {
        Some(file) => follow(file, is_valid),
        None => {
            is_valid.set(1);
            Ok(watch::channel(Arc::new(Identities::new([]))).1)
        }
    }
}

impl FromFiles for Identities {
    type Content = String;
    type Error = InvalidConfiguration;

    const WHAT: &'static str = "configuration";

    fn read(path: &Path) -> Result<String, InvalidConfiguration> {
        Ok(std::fs::read_to_string(path)?)
    }

    fn parse(content: &String) -> Result<Identities, InvalidConfiguration> {
        parse(content)
    }
}
