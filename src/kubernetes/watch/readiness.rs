//! Readiness: whether the watches hold all objects, and what they wait for.

use kube::runtime::watcher::{self, Event};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;

/// `Ok` once the watches hold all objects. Else the text says what they wait for.
pub type Readiness = Result<(), String>;

/// The readiness of each watch, by namespace, and of all watches together.
#[derive(Clone)]
pub struct ReadinessBoard {
    watches: Arc<Mutex<BTreeMap<String, Readiness>>>,
    sum: watch::Sender<Readiness>,
}

impl ReadinessBoard {
    #[must_use]
    pub fn new(namespaces: &[String], sum: watch::Sender<Readiness>) -> Self {
        let listing = |name: &String| (name.clone(), Err(format!("listing customimages in {name}")));
        Self { watches: Arc::new(Mutex::new(namespaces.iter().map(listing).collect())), sum }
    }

    /// Updates the readiness after an `event` of the watch of `namespace`.
    pub fn note<K>(&self, namespace: &str, event: &watcher::Result<Event<K>>) {
        let mut watches = self.watches.lock();
        let before = watches.entry(namespace.to_owned()).or_insert_with(|| Err("listing customimages".to_owned()));
        match event {
            Ok(Event::InitDone | Event::Apply(_) | Event::Delete(_)) => *before = Ok(()),
            Ok(Event::Init | Event::InitApply(_)) => return,
            Err(error) if before.is_err() => {
                tracing::warn!(namespace, error = error as &dyn std::error::Error, "cannot list customimages yet");
                *before = Err(error.to_string());
            }
            // A watch that fails after it was ready stays ready: the store keeps its objects while the watch is
            // retried.
            Err(error) => {
                tracing::warn!(
                    namespace,
                    error = error as &dyn std::error::Error,
                    "the watch of customimages failed and is retried"
                );
                return;
            }
        }
        let now = watches.values().find(|watch| watch.is_err()).cloned().unwrap_or(Ok(()));
        self.sum.send_if_modified(|before| std::mem::replace(before, now.clone()) != now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_ready_when_every_watch_has_listed() {
        let (sum, ready) = watch::channel(Err("starting".to_owned()));
        let board = ReadinessBoard::new(&["a".into(), "b".into()], sum);
        board.note::<()>("a", &Ok(Event::InitDone));
        assert!(ready.borrow().as_ref().unwrap_err().contains(" in b"));
        board.note::<()>("b", &Err(watcher::Error::NoResourceVersion));
        assert_ne!(*ready.borrow(), Ok(()));
        board.note::<()>("b", &Ok(Event::InitDone));
        assert_eq!(*ready.borrow(), Ok(()));
        board.note::<()>("b", &Err(watcher::Error::NoResourceVersion));
        assert_eq!(*ready.borrow(), Ok(()), "a watch that fails later stays ready");
    }
}
