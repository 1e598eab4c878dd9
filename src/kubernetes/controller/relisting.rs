//! Lists all objects anew when the watch has missed something.

use crate::describe_image::source::Source;
use crate::kubernetes::reconcile::context::Context;
use crate::kubernetes::watch::WatchTimes;
use crate::kubernetes::watch::comparison::{AGREES_WITHIN, Comparison};
use crate::kubernetes::watch::watched_image::WatchedImage;
use kube::runtime::reflector::Store;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch::{Receiver, Sender};
use tokio::time::timeout;

/// Compares the store with the API server while this process leads. Never ends.
pub async fn compare<S: Source + 'static>(
    context: Arc<Context<S>>,
    store: Store<WatchedImage>,
    times: WatchTimes,
    relisting: Arc<Relisting>,
) {
    context.leadership.begun().await;
    // An error means that the store's writer is gone. That happens only when the controller ends.
    let _ = store.wait_until_ready().await;
    let namespaces = context.settings.namespaces.clone();
    let comparison = Comparison { client: context.client.clone(), namespaces, store, times };
    comparison.keep(|| relisting.begin(context.settings.namespaces.len()), || relisting.agree()).await;
}

/// Makes the watches list anew, and knows how many of these lists are still to come.
#[derive(Default)]
pub struct Relisting {
    begun: Sender<()>,
    awaited: AtomicUsize,
    /// Whether the store has agreed with the API server since this process leads.
    has_agreed: Sender<bool>,
}

impl Relisting {
    /// Each change makes a watch list anew.
    #[must_use]
    pub fn subscribe(&self) -> Receiver<()> {
        self.begun.subscribe()
    }

    /// Makes this many watches list anew; 0 means the one watch of all namespaces.
    fn begin(&self, watches: usize) {
        self.awaited.store(watches.max(1), Ordering::Relaxed);
        self.begun.send_replace(());
    }

    fn agree(&self) {
        self.has_agreed.send_replace(true);
    }

    /// Waits until the store has what the leader before has written, but not for ever. A watch may lag, and begin with an old list.
    pub async fn agreed(&self) {
        let mut has_agreed = self.has_agreed.subscribe();
        let _ = timeout(AGREES_WITHIN, has_agreed.wait_for(|agreed| *agreed)).await;
    }

    /// A list is complete. Returns whether it is one that was begun here.
    #[must_use]
    pub fn has_listed(&self) -> bool {
        self.awaited.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |awaited| awaited.checked_sub(1)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::Instant;

    #[test]
    fn every_watch_lists_anew_once_and_a_list_of_its_own_accord_is_none_of_them() {
        let relisting = Relisting::default();
        let watch = relisting.subscribe();
        assert!(!relisting.has_listed());
        for (namespaces, lists) in [(0, 1), (3, 3)] {
            relisting.begin(namespaces);
            assert!((0..lists).all(|_| relisting.has_listed()) && !relisting.has_listed());
        }
        assert!(watch.has_changed().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_leader_waits_until_the_store_agrees_but_not_for_ever() {
        for (agrees_after, waits) in [(7, 7), (3600, 30)] {
            let (relisting, begun) = (Relisting::default(), Instant::now());
            let agreeing = async {
                tokio::time::sleep(Duration::from_secs(agrees_after)).await;
                relisting.agree();
            };
            tokio::select! { () = relisting.agreed() => {} () = agreeing => relisting.agreed().await }
            assert_eq!(begun.elapsed().as_secs(), waits, "{agrees_after}");
        }
    }
}
