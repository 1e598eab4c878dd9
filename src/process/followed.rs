//! `follow`: files whose changes take effect without a restart. It compares their content, because Kubernetes swaps the files
//! of a mounted ConfigMap or Secret behind a symbolic link.

use prometheus_client::metrics::gauge::Gauge;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Time between two reads of the files. The kubelet needs up to a minute until a change is in them.
const INTERVAL: Duration = Duration::from_secs(1);

/// A value that is followed: how its file or folder is read, and what the content means.
pub trait FromFiles: Sized + Send + Sync + 'static {
    type Content: Clone + PartialEq + Send + 'static;
    type Error: Display + Send;

    /// What it is, for the log.
    const WHAT: &'static str;

    fn read(path: &Path) -> Result<Self::Content, Self::Error>;

    fn parse(content: &Self::Content) -> Result<Self, Self::Error>;
}

/// Reads the value at `path` and follows its changes. The receiver has the current value. It hears of each changed content, also
/// of one that means the same.
///
/// # Errors
/// When it cannot be read or is invalid.
pub fn follow<V: FromFiles>(path: PathBuf, is_valid: Gauge) -> Result<watch::Receiver<Arc<V>>, V::Error> {
    is_valid.set(1);
    let content = V::read(&path)?;
    let (sender, receiver) = watch::channel(Arc::new(V::parse(&content)?));
    tokio::spawn(keep(path, content, sender, is_valid));
    Ok(receiver)
}

/// What is invalid or missing changes only the gauge: the value stays as it is. A change counts when two reads agree, because
/// one read may see a file that is only half written.
async fn keep<V: FromFiles>(path: PathBuf, mut in_force: V::Content, sender: watch::Sender<Arc<V>>, is_valid: Gauge) {
    let (mut is_reported, mut seen, place) = (false, in_force.clone(), path.display().to_string());
    let tell_once = |error: &V::Error, is_reported: &mut bool| {
        if !std::mem::replace(is_reported, true) {
            is_valid.set(0);
            tracing::error!(place, %error, "the changed {} is invalid: the previous one stays in force", V::WHAT);
        }
    };
    while !sender.is_closed() {
        tokio::time::sleep(INTERVAL).await;
        let content = match V::read(&path) {
            Ok(content) => content,
            Err(error) => {
                tell_once(&error, &mut is_reported);
                continue;
            }
        };
        let is_stable = std::mem::replace(&mut seen, content.clone()) == content;
        if !is_stable || (content == in_force && !is_reported) {
            continue;
        }
        match V::parse(&content) {
            Ok(value) => {
                is_reported = false;
                is_valid.set(1);
                in_force = content;
                sender.send_replace(Arc::new(value));
                tracing::info!(place, "the {} is in force", V::WHAT);
            }
            Err(error) => tell_once(&error, &mut is_reported),
        }
    }
}
