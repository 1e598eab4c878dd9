//! One watch made of several, a namespace each. To those behind it a list of one namespace is a list of all in which
//! the others stand as they are.

use futures::stream::{self, BoxStream, Stream, StreamExt};
use kube::runtime::watcher::{Error, Event, Result};
use kube::{Resource, ResourceExt};
use std::collections::HashMap;

/// Merges `watches`. `standing` gives the objects, by now known to those behind, that are not of the given namespace.
///
/// The first list is complete when every watch has listed or failed once: a namespace that may not be listed does not
/// keep the others waiting, and its objects come when it is listed after all.
pub fn merged<K: Resource + Send + 'static>(
    watches: HashMap<String, BoxStream<'static, Result<Event<K>>>>,
    standing: impl Fn(&str) -> Vec<K> + Send + 'static,
) -> impl Stream<Item = Result<Event<K>>> + Send {
    let mut lists: HashMap<String, List<K>> = watches.keys().map(|name| (name.clone(), List::default())).collect();
    let named = watches.into_iter().map(|(name, events)| events.map(move |event| (name.clone(), event)).boxed());
    stream::select_all(named).flat_map(move |(name, event)| {
        let is_first = lists.values().any(|list| !list.is_over);
        let list = lists.entry(name.clone()).or_default();
        let out = match event {
            Err(error) => {
                list.is_over = true;
                vec![Err(error)]
            }
            Ok(event) if is_first => {
                list.first(event);
                Vec::new()
            }
            Ok(event) => list.later(event, || standing(&name)),
        };
        let is_complete = is_first && lists.values().all(|list| list.is_over);
        let first = is_complete.then(|| relisted(lists.values_mut().flat_map(List::take).collect()));
        stream::iter(out.into_iter().chain(first.unwrap_or_default()))
    })
}

/// What is known of one namespace, for as long as it cannot be told to those behind.
struct List<K> {
    /// A list under way: nothing of it is told before it is complete.
    listing: HashMap<String, K>,
    /// The objects, while others have not listed yet.
    objects: HashMap<String, K>,
    /// The first one has been listed, or has failed.
    is_over: bool,
}

impl<K> Default for List<K> {
    fn default() -> Self {
        Self { listing: HashMap::new(), objects: HashMap::new(), is_over: false }
    }
}

impl<K: Resource> List<K> {
    fn take(&mut self) -> Vec<K> {
        std::mem::take(&mut self.objects).into_values().collect()
    }

    /// While others have not listed yet, what changes in this one waits with it.
    fn first(&mut self, event: Event<K>) {
        match event {
            Event::Init => self.listing.clear(),
            Event::InitApply(object) => {
                self.listing.insert(object.name_any(), object);
            }
            Event::Apply(object) => {
                self.objects.insert(object.name_any(), object);
            }
            Event::Delete(object) => {
                self.objects.remove(&object.name_any());
            }
            Event::InitDone => {
                self.objects = std::mem::take(&mut self.listing);
                self.is_over = true;
            }
        }
    }

    fn later(&mut self, event: Event<K>, others: impl FnOnce() -> Vec<K>) -> Vec<Result<Event<K>>> {
        match event {
            Event::Apply(_) | Event::Delete(_) => vec![Ok(event)],
            Event::InitDone => {
                let listed = std::mem::take(&mut self.listing).into_values();
                relisted(others().into_iter().chain(listed).collect())
            }
            Event::Init | Event::InitApply(_) => {
                self.first(event);
                Vec::new()
            }
        }
    }
}

fn relisted<K>(objects: Vec<K>) -> Vec<std::result::Result<Event<K>, Error>> {
    let all = objects.into_iter().map(Event::InitApply);
    std::iter::once(Event::Init).chain(all).chain([Event::InitDone]).map(Ok).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use futures::channel::mpsc::{UnboundedSender, unbounded};
    use k8s_openapi::api::core::v1::ConfigMap;

    fn named(name: &str) -> ConfigMap {
        serde_json::from_value(serde_json::json!({"metadata": {"name": name}})).unwrap()
    }

    fn told(stream: &mut (impl Stream<Item = Result<Event<ConfigMap>>> + Unpin)) -> Vec<String> {
        let mut seen = Vec::new();
        while let Some(Some(event)) = stream.next().now_or_never() {
            seen.push(match event {
                Ok(Event::Init) => "init".to_owned(),
                Ok(Event::InitApply(object)) => format!("listed {}", object.name_any()),
                Ok(Event::InitDone) => "done".to_owned(),
                Ok(Event::Apply(object)) => format!("applied {}", object.name_any()),
                Ok(Event::Delete(object)) => format!("deleted {}", object.name_any()),
                Err(_) => "error".to_owned(),
            });
        }
        seen
    }

    type Sender = UnboundedSender<Result<Event<ConfigMap>>>;

    fn two() -> (Sender, Sender, impl Stream<Item = Result<Event<ConfigMap>>> + Unpin) {
        let ((a, of_a), (b, of_b)) = (unbounded(), unbounded());
        let watches = HashMap::from([("a".to_owned(), of_a.boxed()), ("b".to_owned(), of_b.boxed())]);
        (a, b, Box::pin(merged(watches, |name| vec![named(&format!("stands-beside-{name}"))])))
    }

    fn send(sender: &Sender, events: Vec<Event<ConfigMap>>) {
        events.into_iter().for_each(|event| sender.unbounded_send(Ok(event)).unwrap());
    }

    #[test]
    fn the_first_list_is_complete_when_every_namespace_has_listed() {
        let (a, b, mut merged) = two();
        send(&a, vec![Event::Init, Event::InitApply(named("gone")), Event::InitApply(named("x")), Event::InitDone]);
        send(&a, vec![Event::Delete(named("gone"))]);
        assert!(told(&mut merged).is_empty());
        send(&b, vec![Event::Init, Event::InitDone]);
        assert_eq!(told(&mut merged), ["init", "listed x", "done"]);
    }

    #[test]
    fn a_namespace_that_may_not_be_listed_does_not_keep_the_others_waiting() {
        let (a, b, mut merged) = two();
        send(&a, vec![Event::Init, Event::InitApply(named("x")), Event::InitDone]);
        b.unbounded_send(Err(Error::NoResourceVersion)).unwrap();
        assert_eq!(told(&mut merged), ["error", "init", "listed x", "done"]);
        send(&b, vec![Event::Init, Event::InitApply(named("y")), Event::InitDone]);
        assert_eq!(told(&mut merged), ["init", "listed stands-beside-b", "listed y", "done"]);
    }

    #[test]
    fn a_list_under_way_when_the_first_is_complete_loses_nothing() {
        let (a, b, mut merged) = two();
        b.unbounded_send(Err(Error::NoResourceVersion)).unwrap();
        send(&b, vec![Event::Init, Event::InitApply(named("y"))]);
        assert_eq!(told(&mut merged), ["error"]);
        send(&a, vec![Event::Init, Event::InitDone]);
        assert_eq!(told(&mut merged), ["init", "done"]);
        send(&b, vec![Event::InitApply(named("z")), Event::InitDone]);
        let mut listed = told(&mut merged);
        listed.sort();
        assert_eq!(listed, ["done", "init", "listed stands-beside-b", "listed y", "listed z"]);
    }

    #[test]
    fn a_list_of_one_namespace_leaves_the_others_as_they_stand() {
        let (a, b, mut merged) = two();
        send(&a, vec![Event::Init, Event::InitDone]);
        send(&b, vec![Event::Init, Event::InitDone]);
        told(&mut merged);
        send(&a, vec![Event::Init, Event::InitApply(named("x")), Event::InitDone, Event::Apply(named("z"))]);
        assert_eq!(told(&mut merged), ["init", "listed stands-beside-a", "listed x", "done", "applied z"]);
    }
}
