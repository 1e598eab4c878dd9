//! The labels of all namespaces, watched only while an identity selects by label.

use crate::kubernetes::identities::grants::{Identities, Labels};
use crate::kubernetes::told::{Told, words_of_watch};
use crate::kubernetes::watch::backoff::WatchBackoff;
use crate::kubernetes::watch::{DEFAULT_SILENCE, afresh_after_errors, ending_after};
use futures::StreamExt;
use futures::channel::mpsc::UnboundedSender;
use k8s_openapi::api::core::v1::Namespace;
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Event, watcher};
use kube::{Api, Client, ResourceExt};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The labels of all namespaces, as far as the watch has brought them.
#[derive(Debug, Default)]
pub struct NamespaceLabels(Mutex<KnownLabels>);

#[derive(Debug, Default)]
struct KnownLabels {
    /// `None` until a list is complete.
    labels: Option<HashMap<String, Labels>>,
    /// The list that is arriving. It replaces `labels` when it is complete.
    listing: HashMap<String, Labels>,
    /// When the watch broke. `None` while it works.
    broken: Option<Instant>,
}

impl KnownLabels {
    fn fresh(&self) -> Option<&HashMap<String, Labels>> {
        let is_fresh = self.broken.is_none_or(|since| since.elapsed() < MAXIMUM_AGE);
        self.labels.as_ref().filter(|_| is_fresh)
    }
}

/// How long labels stay valid after the watch broke. After that they are unknown, so that outdated labels grant no
/// identity.
const MAXIMUM_AGE: Duration = Duration::from_secs(300);

/// Whose labels have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relabelled {
    All,
    Namespace(String),
}

impl NamespaceLabels {
    /// The labels of one namespace. `None` while they are unknown.
    #[must_use]
    pub fn of(&self, namespace: &str) -> Option<Labels> {
        self.0.lock().fresh()?.get(namespace).cloned()
    }

    /// Whether there is no such namespace. A new one may not have arrived yet.
    #[must_use]
    pub fn lack(&self, namespace: &str) -> bool {
        self.0.lock().fresh().is_some_and(|labels| !labels.contains_key(namespace))
    }

    /// Watches namespaces while `identities` select by label, and sends each change of labels to `relabelled`. Never
    /// returns.
    pub async fn keep(
        &self,
        client: Client,
        mut identities: watch::Receiver<Arc<Identities>>,
        relabelled: UnboundedSender<Relabelled>,
    ) {
        while identities.wait_for(|identities| identities.select_by_label()).await.is_ok() {
            let mut until_unneeded = identities.clone();
            tokio::select! {
                biased;
                () = self.watch(&client, &relabelled) => {}
                Ok(_) = until_unneeded.wait_for(|identities| !identities.select_by_label()) => {}
            }
            self.0.lock().labels = None;
        }
        std::future::pending().await
    }

    async fn watch(&self, client: &Client, relabelled: &UnboundedSender<Relabelled>) {
        let namespaces: Api<PartialObjectMeta<Namespace>> = Api::all(client.clone());
        let watch = afresh_after_errors(move || watcher(namespaces.clone(), ending_after(DEFAULT_SILENCE)).boxed());
        let mut events = std::pin::pin!(watch.backoff(WatchBackoff::default()));
        let mut told = Told::default();
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => {
                    // The beginning of a list says nothing yet.
                    if !matches!(event, Event::Init) && told.is_over() {
                        tracing::info!("the watch of namespaces works again");
                    }
                    let _ = self.take(event).map(|change| relabelled.unbounded_send(change));
                }
                Err(error) => {
                    self.0.lock().broken.get_or_insert_with(Instant::now);
                    let error = words_of_watch(&error);
                    if told.is_news(&error) {
                        tracing::warn!(error, "cannot watch namespaces, trying again");
                    }
                }
            }
        }
    }

    fn take(&self, event: Event<PartialObjectMeta<Namespace>>) -> Option<Relabelled> {
        let of = |namespace: &PartialObjectMeta<Namespace>| (namespace.name_any(), namespace.labels().clone());
        let mut state = self.0.lock();
        if !matches!(event, Event::Init | Event::InitApply(_)) {
            state.broken = None;
        }
        match event {
            Event::Init => {
                state.listing.clear();
                None
            }
            Event::InitApply(namespace) => {
                state.listing.extend([of(&namespace)]);
                None
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut state.listing);
                let before = state.labels.replace(listed);
                (before != state.labels).then_some(Relabelled::All)
            }
            Event::Apply(namespace) => {
                let (name, labels) = of(&namespace);
                let before = state.labels.get_or_insert_default().insert(name.clone(), labels);
                (before.as_ref() != Some(namespace.labels())).then_some(Relabelled::Namespace(name))
            }
            // The objects of the namespace are deleted with it, so there is nothing to reconcile.
            Event::Delete(namespace) => {
                state.labels.get_or_insert_default().remove(&namespace.name_any());
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(name: &str, team: &str) -> PartialObjectMeta<Namespace> {
        serde_json::from_value(serde_json::json!({"metadata": {"name": name, "labels": {"team": team}}})).unwrap()
    }

    #[test]
    fn only_a_change_of_labels_is_reported() {
        let labels = NamespaceLabels::default();
        let take = |event| labels.take(event);
        assert_eq!(take(Event::Init), None);
        assert_eq!(take(Event::InitApply(labelled("a", "hpc"))), None);
        assert_eq!(labels.of("a"), None, "a list is used only when it is complete");
        assert!(!labels.lack("a") && !labels.lack("b"));
        assert_eq!(take(Event::InitDone), Some(Relabelled::All));
        assert_eq!(labels.of("a").unwrap()["team"], "hpc");
        assert!(!labels.lack("a") && labels.lack("b"));
        assert_eq!(take(Event::Apply(labelled("a", "hpc"))), None);
        assert_eq!(take(Event::Apply(labelled("a", "web"))), Some(Relabelled::Namespace("a".into())));
        assert_eq!(take(Event::Delete(labelled("a", "web"))), None);
        assert_eq!(labels.of("a"), None);
    }
}
