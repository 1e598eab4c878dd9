//! The labels of all namespaces, watched from when an identity first selects by them.

use crate::kubernetes::identities::grants::{Identities, Labels};
use crate::kubernetes::watch::backoff::WatchBackoff;
use futures::StreamExt;
use futures::channel::mpsc::UnboundedSender;
use k8s_openapi::api::core::v1::Namespace;
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Client, ResourceExt};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What is known of namespaces.
#[derive(Debug, Default)]
pub struct NamespaceLabels(Mutex<KnownLabels>);

#[derive(Debug, Default)]
struct KnownLabels {
    labels: HashMap<String, Labels>,
    /// A list under way.
    listing: HashMap<String, Labels>,
    /// Since when the watch is broken.
    broken: Option<Instant>,
}

/// Who may use an identity is not decided by labels that are older than this.
const MAXIMUM_AGE: Duration = Duration::from_secs(300);

/// Whose labels have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relabelled {
    All,
    Namespace(String),
}

impl NamespaceLabels {
    /// Of one namespace, `None` while it is not known.
    #[must_use]
    pub fn of(&self, namespace: &str) -> Option<Labels> {
        let known = self.0.lock();
        let is_fresh = known.broken.is_none_or(|since| since.elapsed() < MAXIMUM_AGE);
        known.labels.get(namespace).filter(|_| is_fresh).cloned()
    }

    /// Keeps them fresh for as long as `identities` need them, and tells which objects a change concerns. Never ends.
    pub async fn keep(
        &self,
        client: Client,
        mut identities: watch::Receiver<Arc<Identities>>,
        relabelled: UnboundedSender<Relabelled>,
    ) {
        while identities.wait_for(|identities| identities.select_by_label()).await.is_ok() {
            let mut until_given_up = identities.clone();
            tokio::select! {
                () = self.watch(&client, &relabelled) => {}
                Ok(_) = until_given_up.wait_for(|identities| !identities.select_by_label()) => {}
            }
            self.0.lock().labels.clear();
        }
        std::future::pending().await
    }

    async fn watch(&self, client: &Client, relabelled: &UnboundedSender<Relabelled>) {
        let namespaces: Api<PartialObjectMeta<Namespace>> = Api::all(client.clone());
        let mut events = std::pin::pin!(watcher(namespaces, Config::default()).backoff(WatchBackoff::default()));
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => {
                    let _ = self.take(event).map(|change| relabelled.unbounded_send(change));
                }
                Err(error) => {
                    self.0.lock().broken.get_or_insert_with(Instant::now);
                    tracing::warn!(error = &error as &dyn std::error::Error, "cannot watch namespaces, trying again");
                }
            }
        }
    }

    fn take(&self, event: Event<PartialObjectMeta<Namespace>>) -> Option<Relabelled> {
        let of = |namespace: &PartialObjectMeta<Namespace>| (namespace.name_any(), namespace.labels().clone());
        let mut known = self.0.lock();
        if !matches!(event, Event::Init | Event::InitApply(_)) {
            known.broken = None;
        }
        match event {
            Event::Init => {
                known.listing.clear();
                None
            }
            Event::InitApply(namespace) => {
                known.listing.extend([of(&namespace)]);
                None
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut known.listing);
                let before = std::mem::replace(&mut known.labels, listed);
                (before != known.labels).then_some(Relabelled::All)
            }
            Event::Apply(namespace) => {
                let (name, labels) = of(&namespace);
                let before = known.labels.insert(name.clone(), labels);
                (before.as_ref() != Some(namespace.labels())).then_some(Relabelled::Namespace(name))
            }
            // Its objects go with it.
            Event::Delete(namespace) => {
                known.labels.remove(&namespace.name_any());
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
    fn only_a_change_of_labels_concerns_anybody() {
        let known = NamespaceLabels::default();
        let told = |event| known.take(event);
        assert_eq!(told(Event::Init), None);
        assert_eq!(told(Event::InitApply(labelled("a", "hpc"))), None);
        assert_eq!(known.of("a"), None, "a list counts when it is complete");
        assert_eq!(told(Event::InitDone), Some(Relabelled::All));
        assert_eq!(known.of("a").unwrap()["team"], "hpc");
        assert_eq!(told(Event::Apply(labelled("a", "hpc"))), None);
        assert_eq!(told(Event::Apply(labelled("a", "web"))), Some(Relabelled::Namespace("a".into())));
        assert_eq!(told(Event::Delete(labelled("a", "web"))), None);
        assert_eq!(known.of("a"), None);
    }
}
