//! Compares the store with what the API server lists. A watch can be wrong without an error: when etcd was set back to a
//! backup, its versions begin anew below the watch's, and the watch delivers nothing until they have passed it.

use crate::backoff::jittered;
use crate::kubernetes::custom_image::CustomImage;
use crate::kubernetes::told::{Told, words};
use crate::kubernetes::watch::WatchTimes;
use crate::kubernetes::watch::watched_image::{Reference, Version, WatchedImage, version};
use kube::api::ListParams;
use kube::runtime::reflector::Store;
use kube::{Api, Client, Resource, ResourceExt};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Objects in one answer.
const PAGE: u32 = 500;

/// How long a new leader waits for the first comparison that finds no difference.
pub const AGREES_WITHIN: Duration = Duration::from_secs(30);

/// The time between two comparisons while it waits.
const UNTIL_AGREED: Duration = Duration::from_secs(5);

type Versions = HashMap<Reference, Version>;

/// Objects that the store and the API server do not agree on, with the store's version and the API server's.
type Differences = HashMap<Reference, [Option<Version>; 2]>;

/// What a comparison has found.
#[derive(Default)]
struct Compared {
    differences: Differences,
    /// Whether anything could be listed.
    has_listed: bool,
    /// The last failure.
    failure: Option<String>,
}

impl Compared {
    fn add(&mut self, found: kube::Result<Differences>) {
        match found {
            Ok(differences) => {
                self.differences.extend(differences);
                self.has_listed = true;
            }
            Err(error) => self.failure = Some(words(&error)),
        }
    }
}

/// Compares, again and again.
pub struct Comparison {
    pub client: Client,
    /// The watched namespaces. Empty: all.
    pub namespaces: Vec<String>,
    pub store: Store<WatchedImage>,
    pub times: WatchTimes,
}

impl Comparison {
    /// Compares at once, and then at each interval. Calls `relist` when the watch has missed something, and `agrees` each time that
    /// it has not. Until that is the case for the first time, it compares more often for a while. Never returns.
    pub async fn keep(&self, relist: impl Fn(), agrees: impl Fn()) {
        let (mut told, mut known) = (Told::default(), Differences::new());
        let (begun, mut has_agreed) = (Instant::now(), false);
        loop {
            let Compared { differences, has_listed, failure } = self.compare().await;
            match failure {
                Some(error) if told.is_news(&error) => {
                    tracing::warn!(error, "cannot compare the watched customimages with a new list");
                }
                Some(_) => {}
                None => drop(told.is_over()),
            }
            // A new list did not help with these before: they are stored objects that cannot be read.
            let is_news = differences.iter().any(|(object, versions)| known.get(object) != Some(versions));
            if let Some(object) = differences.keys().next().filter(|_| is_news) {
                tracing::warn!(
                    objects = differences.len(),
                    %object,
                    "the watch of customimages has missed changes: everything is listed anew"
                );
                relist();
            } else if has_listed {
                has_agreed = true;
                agrees();
            }
            known = differences;
            let is_hurried = !has_agreed && begun.elapsed() < AGREES_WITHIN;
            let pause = if is_hurried { UNTIL_AGREED } else { Duration::MAX };
            // Replicas and releases must not list at the same moment.
            sleep(jittered(self.times.comparison_interval.min(pause))).await;
        }
    }

    /// Compares every namespace that can be listed. One that cannot does not hinder the others.
    async fn compare(&self) -> Compared {
        let mut compared = Compared::default();
        if self.namespaces.is_empty() {
            compared.add(self.differences(&Api::all(self.client.clone()), None).await);
        }
        for name in &self.namespaces {
            compared.add(self.differences(&Api::namespaced(self.client.clone(), name), Some(name)).await);
        }
        compared
    }

    /// What the watch of one namespace (`None`: all) has missed. It may lag behind, so a difference counts only when the
    /// store still has the same version a while later.
    async fn differences(&self, api: &Api<CustomImage>, namespace: Option<&str>) -> kube::Result<Differences> {
        // The store is read before the list. What is listed cannot be older than that, unless etcd was set back.
        let before = self.stored(namespace);
        let listed = list(api).await?;
        let objects: HashSet<&Reference> = before.keys().chain(listed.keys()).collect();
        let mut differing: Vec<&Reference> =
            objects.into_iter().filter(|object| before.get(object) != listed.get(object)).collect();
        if differing.is_empty() {
            return Ok(Differences::new());
        }
        sleep(self.times.comparison_lag).await;
        let now = self.stored(namespace);
        differing.retain(|object| now.get(object) == before.get(object));
        if differing.is_empty() {
            return Ok(Differences::new());
        }
        let listed = list(api).await?;
        let versions = differing.into_iter().map(|object| {
            let pair = [now.get(object).cloned(), listed.get(object).cloned()];
            (object.clone(), pair)
        });
        Ok(versions.filter(|(_, [stored, listed])| stored != listed).collect())
    }

    fn stored(&self, namespace: Option<&str>) -> Versions {
        let objects = self.store.state();
        let is_meant =
            |object: &&Arc<WatchedImage>| namespace.is_none() || object.meta().namespace.as_deref() == namespace;
        objects.iter().filter(is_meant).map(|object| (object.reference(), version(object.as_ref()))).collect()
    }
}

/// The versions that etcd holds. A list without a resourceVersion is never an outdated one.
async fn list(api: &Api<CustomImage>) -> kube::Result<Versions> {
    let mut listed = Versions::new();
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = api.list_metadata(&page).await?;
        for object in list.items {
            let reference = Reference::new(&object.name_any());
            let namespace = object.namespace().unwrap_or_default();
            listed.insert(reference.within(&namespace), version(&object));
        }
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(listed),
        }
    }
}
