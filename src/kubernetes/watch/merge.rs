//! Merges several watches, one for each namespace, into one stream. A new list of one namespace becomes a list of all:
//! the objects of the other namespaces are repeated as the consumer has them.

use futures::stream::{self, BoxStream, Stream, StreamExt};
use kube::runtime::watcher::{Error, Event, Result};
use kube::{Resource, ResourceExt};
use std::collections::HashMap;

/// Merges `watches`, by namespace. `others` returns the consumer's current objects that are not in the given namespace.
///
/// The first list is complete when every watch has listed or failed once. So a namespace that cannot be listed does not
/// block the others. Its objects follow when it can be listed.
pub fn merged<K: Resource + Send + 'static>(
    watches: HashMap<String, BoxStream<'static, Result<Event<K>>>>,
    others: impl Fn(&str) -> Vec<K> + Send + 'static,
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
            Ok(event) => list.later(event, || others(&name)),
        };
        let is_complete = is_first && lists.values().all(|list| list.is_over);
        let first = is_complete.then(|| relisted(lists.values_mut().flat_map(List::take).collect()));
        stream::iter(out.into_iter().chain(first.unwrap_or_default()))
    })
}

/// The objects of one namespace that the consumer has not received yet.
struct List<K> {
    /// The objects of a running list. They are published only when the list is complete.
    listing: HashMap<String, K>,
    /// The current objects, until every namespace has listed.
    objects: HashMap<String, K>,
    /// The first list is complete or has failed.
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

    /// Takes an event while other namespaces have not listed yet: changes wait, like the list.
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

    fn received(stream: &mut (impl Stream<Item = Result<Event<ConfigMap>>> + Unpin)) -> Vec<String> {
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
        (a, b, Box::pin(merged(watches, |name| vec![named(&format!("other-than-{name}"))])))
    }

    fn send(sender: &Sender, events: Vec<Event<ConfigMap>>) {
        events.into_iter().for_each(|event| sender.unbounded_send(Ok(event)).unwrap());
    }

    #[test]
    fn the_first_list_is_complete_when_every_namespace_has_listed() {
        let (a, b, mut merged) = two();
        send(&a, vec![Event::Init, Event::InitApply(named("gone")), Event::InitApply(named("x")), Event::InitDone]);
        send(&a, vec![Event::Delete(named("gone"))]);
        assert!(received(&mut merged).is_empty());
        send(&b, vec![Event::Init, Event::InitDone]);
        assert_eq!(received(&mut merged), ["init", "listed x", "done"]);
    }

    #[test]
    fn a_namespace_that_cannot_be_listed_does_not_block_the_others() {
        let (a, b, mut merged) = two();
        send(&a, vec![Event::Init, Event::InitApply(named("x")), Event::InitDone]);
        b.unbounded_send(Err(Error::NoResourceVersion)).unwrap();
        assert_eq!(received(&mut merged), ["error", "init", "listed x", "done"]);
        send(&b, vec![Event::Init, Event::InitApply(named("y")), Event::InitDone]);
        assert_eq!(received(&mut merged), ["init", "listed other-than-b", "listed y", "done"]);
    }

    #[test]
    fn a_list_that_is_running_when_the_first_list_completes_loses_nothing() {
        let (a, b, mut merged) = two();
        b.unbounded_send(Err(Error::NoResourceVersion)).unwrap();
        send(&b, vec![Event::Init, Event::InitApply(named("y"))]);
        assert_eq!(received(&mut merged), ["error"]);
        send(&a, vec![Event::Init, Event::InitDone]);
        assert_eq!(received(&mut merged), ["init", "done"]);
        send(&b, vec![Event::InitApply(named("z")), Event::InitDone]);
        let mut listed = received(&mut merged);
        listed.sort();
        assert_eq!(listed, ["done", "init", "listed other-than-b", "listed y", "listed z"]);
    }

    #[test]
    fn a_new_list_of_one_namespace_keeps_the_objects_of_the_others() {
        let (a, b, mut merged) = two();
        send(&a, vec![Event::Init, Event::InitDone]);
        send(&b, vec![Event::Init, Event::InitDone]);
        received(&mut merged);
        send(&a, vec![Event::Init, Event::InitApply(named("x")), Event::InitDone, Event::Apply(named("z"))]);
        assert_eq!(received(&mut merged), ["init", "listed other-than-a", "listed x", "done", "applied z"]);
    }
}
