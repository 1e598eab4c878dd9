//! Reloads the configuration when the content of its file changes. It compares the content, because Kubernetes swaps
//! the files of a mounted ConfigMap behind a symbolic link.

use crate::kubernetes::identities::grants::Identities;
use crate::process::configuration::{InvalidConfiguration, parse};
use prometheus_client::metrics::gauge::Gauge;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Time between two reads of the file. The kubelet needs up to a minute until a change is in the file.
const INTERVAL: Duration = Duration::from_secs(1);

/// Reads `file` and follows its changes. The receiver has the current identities. Without a file they never change.
///
/// # Errors
/// When the file cannot be read or is invalid.
pub fn start(file: Option<PathBuf>, is_valid: Gauge) -> Result<watch::Receiver<Arc<Identities>>, InvalidConfiguration> {
    is_valid.set(1);
    let Some(file) = file else { return Ok(watch::channel(Arc::new(Identities::new([]))).1) };
    let text = std::fs::read_to_string(&file)?;
    let (sender, receiver) = watch::channel(Arc::new(parse(&text)?));
    tokio::spawn(follow(file, text, sender, is_valid));
    Ok(receiver)
}

/// An invalid or missing file changes only the gauge: the identities stay as they are, and so do the namespaces that
/// may use them. A change counts when two reads agree, because one read may see a file that is only half written.
async fn follow(file: PathBuf, mut in_force: String, sender: watch::Sender<Arc<Identities>>, is_valid: Gauge) {
    let (mut is_reported, mut seen) = (false, in_force.clone());
    while !sender.is_closed() {
        tokio::time::sleep(INTERVAL).await;
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) => {
                tell_once(&file, &error.into(), &mut is_reported, &is_valid);
                continue;
            }
        };
        let is_stable = std::mem::replace(&mut seen, text.clone()) == text;
        if !is_stable || (text == in_force && !is_reported) {
            continue;
        }
        match parse(&text) {
            Ok(identities) => {
                is_reported = false;
                is_valid.set(1);
                in_force = text;
                let is_changed = sender.send_if_modified(|before| {
                    let is_changed = **before != identities;
                    *before = Arc::new(identities);
                    is_changed
                });
                tracing::info!(file = %file.display(), is_changed, "the configuration is in force");
            }
            Err(error) => tell_once(&file, &error, &mut is_reported, &is_valid),
        }
    }
}

fn tell_once(file: &Path, error: &InvalidConfiguration, is_reported: &mut bool, is_valid: &Gauge) {
    if !std::mem::replace(is_reported, true) {
        is_valid.set(0);
        tracing::error!(file = %file.display(), %error, "the changed configuration is invalid: the previous one stays in force");
    }
}
