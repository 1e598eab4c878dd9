//! `follow`: files whose changes take effect without a restart. It compares their content, because Kubernetes swaps the files
//! of a mounted ConfigMap or Secret behind a symbolic link.

use prometheus_client::metrics::gauge::Gauge;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Time between two reads of the files. The kubelet needs up to a minute until a change is in them.
const INTERVAL: Duration = Duration::from_secs(1);

/// What is followed: how it is read, and what its content means.
pub trait Source: Send + 'static {
    type Content: Clone + PartialEq + Send + 'static;
    type Value: Send + Sync + 'static;
    type Error: Display + Send;

    /// What it is, for the log.
    const WHAT: &'static str;

    /// Where it is, for the log.
    fn place(&self) -> String;

    fn read(&self) -> Result<Self::Content, Self::Error>;

    fn parse(content: &Self::Content) -> Result<Self::Value, Self::Error>;

    /// Whether a changed content means the same.
    fn is_same(before: &Self::Value, now: &Self::Value) -> bool;
}

/// Reads `source` and follows its changes. The receiver has the current value.
///
/// # Errors
/// When it cannot be read or is invalid.
pub fn follow<S: Source>(source: S, is_valid: Gauge) -> Result<watch::Receiver<Arc<S::Value>>, S::Error> {
    is_valid.set(1);
    let content = source.read()?;
    let (sender, receiver) = watch::channel(Arc::new(S::parse(&content)?));
    tokio::spawn(keep(source, content, sender, is_valid));
    Ok(receiver)
}

/// What is invalid or missing changes only the gauge: the value stays as it is. A change counts when two reads agree, because
/// one read may see a file that is only half written.
async fn keep<S: Source>(source: S, mut in_force: S::Content, sender: watch::Sender<Arc<S::Value>>, is_valid: Gauge) {
    let (mut is_reported, mut seen, place) = (false, in_force.clone(), source.place());
    let tell_once = |error: &S::Error, is_reported: &mut bool| {
        if !std::mem::replace(is_reported, true) {
            is_valid.set(0);
            tracing::error!(place, %error, "the changed {} is invalid: the previous one stays in force", S::WHAT);
        }
    };
    while !sender.is_closed() {
        tokio::time::sleep(INTERVAL).await;
        let content = match source.read() {
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
        match S::parse(&content) {
            Ok(value) => {
                is_reported = false;
                is_valid.set(1);
                in_force = content;
                let is_changed = sender.send_if_modified(|before| {
                    let is_changed = !S::is_same(before, &value);
                    *before = Arc::new(value);
                    is_changed
                });
                tracing::info!(place, is_changed, "the {} is in force", S::WHAT);
            }
            Err(error) => tell_once(&error, &mut is_reported),
        }
    }
}
