//! Keeps the configuration as the file says. Kubernetes swaps the files of a mounted ConfigMap behind a symbolic link,
//! so the content is what is compared.

use crate::kubernetes::identities::grants::Identities;
use crate::process::configuration::{InvalidConfiguration, parse};
use prometheus_client::metrics::gauge::Gauge;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Between two looks at the file. The kubelet takes up to a minute to bring a change there.
const INTERVAL: Duration = Duration::from_secs(1);

/// The identities as `file` has them now, and a channel on which they change with it. Without a file they never do.
///
/// # Errors
/// When the file cannot be read, or says something wrong.
pub fn start(file: Option<PathBuf>, is_valid: Gauge) -> Result<watch::Receiver<Arc<Identities>>, InvalidConfiguration> {
    is_valid.set(1);
    let Some(file) = file else { return Ok(watch::channel(Arc::new(Identities::new([]))).1) };
    let text = std::fs::read_to_string(&file)?;
    let (sender, receiver) = watch::channel(Arc::new(parse(&text)?));
    tokio::spawn(follow(file, text, sender, is_valid));
    Ok(receiver)
}

/// A file that is wrong, or gone, changes nothing but the gauge: who was allowed stays so, and nobody else. A change
/// counts when two looks agree: between them it may have been half written.
async fn follow(file: PathBuf, mut known: String, sender: watch::Sender<Arc<Identities>>, is_valid: Gauge) {
    let (mut is_told, mut seen) = (false, known.clone());
    while !sender.is_closed() {
        tokio::time::sleep(INTERVAL).await;
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) => {
                tell_once(&file, &error.into(), &mut is_told, &is_valid);
                continue;
            }
        };
        let is_stable = std::mem::replace(&mut seen, text.clone()) == text;
        if !is_stable || (text == known && !is_told) {
            continue;
        }
        match parse(&text) {
            Ok(identities) => {
                is_told = false;
                is_valid.set(1);
                known = text;
                let is_changed = sender.send_if_modified(|before| {
                    let is_changed = **before != identities;
                    *before = Arc::new(identities);
                    is_changed
                });
                tracing::info!(file = %file.display(), is_changed, "the configuration is in force");
            }
            Err(error) => tell_once(&file, &error, &mut is_told, &is_valid),
        }
    }
}

fn tell_once(file: &Path, error: &InvalidConfiguration, is_told: &mut bool, is_valid: &Gauge) {
    if !std::mem::replace(is_told, true) {
        is_valid.set(0);
        tracing::error!(file = %file.display(), %error, "the changed configuration is wrong: the one before it stays in force");
    }
}
