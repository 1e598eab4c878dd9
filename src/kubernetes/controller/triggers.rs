//! The triggers that make the controller reconcile an object: the watch, a change in AWS, a changed configuration,
//! changed labels of a namespace, a learned account. They all go into one channel of references, and wait there until
//! this process leads.

use crate::describe_image::source::Source;
use crate::kubernetes::identities::grants::{Identities, name_of};
use crate::kubernetes::identities::namespaces::Relabelled;
use crate::kubernetes::reconcile::context::Context;
use crate::kubernetes::reconcile::{names_another_account, subscribe_early};
use crate::kubernetes::watch::watched_image::{Reference, Version, WatchedImage, version};
use crate::reflector::Changes;
use futures::channel::mpsc;
use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use kube::runtime::reflector::Store;
use kube::runtime::reflector::store::Writer;
use kube::runtime::watcher::{self, Event};
use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;
use tokio::sync::watch;

/// Sending a reference here reconciles its object.
pub type Triggers = mpsc::UnboundedSender<Reference>;

/// Holds the references back until `begun` completes. Then each of them comes once, and later ones come as they arrive.
pub fn held_until<K: Eq + Hash + Send + 'static>(
    references: impl Stream<Item = K> + Send + 'static,
    begun: impl Future<Output = ()> + Send + 'static,
) -> impl Stream<Item = K> + Send {
    let held = async move {
        let (mut references, mut begun) = (Box::pin(references), Box::pin(begun));
        let mut held = HashSet::new();
        loop {
            tokio::select! {
                biased;
                () = &mut begun => break,
                reference = references.next() => match reference {
                    Some(reference) => { held.insert(reference); }
                    None => { begun.await; break }
                },
            }
        }
        stream::iter(held).chain(references)
    };
    stream::once(held).flatten()
}

/// Writes watch events into the store. Gives each event with the objects that it has changed: a listed one when its list is
/// complete. kube's store takes over a list only then; before, a reconcile would read the previous version of the object, or
/// none. An object that the store has in this version is unchanged, but not one that was gone and is there again.
pub fn of_watch(
    events: impl Stream<Item = watcher::Result<Event<WatchedImage>>>,
    mut writer: Writer<WatchedImage>,
) -> impl Stream<Item = watcher::Result<(Event<WatchedImage>, Vec<Reference>)>> {
    let store = writer.as_reader();
    let mut listed: Vec<(Reference, Version)> = Vec::new();
    events.map_ok(move |event| {
        let arrived = match &event {
            Event::Init => {
                listed.clear();
                Vec::new()
            }
            Event::InitApply(object) => {
                listed.push((object.reference(), version(object)));
                Vec::new()
            }
            Event::InitDone => std::mem::take(&mut listed),
            Event::Apply(object) => vec![(object.reference(), version(object))],
            Event::Delete(_) => Vec::new(),
        };
        let is_stored =
            |(object, now): &(Reference, Version)| store.get(object).is_some_and(|stored| version(&*stored) == *now);
        let changed = arrived.into_iter().filter(|one| !is_stored(one)).map(|(object, _)| object).collect();
        writer.apply_watcher_event(&event);
        (event, changed)
    })
}

/// Triggers the objects that subscribe to a changed image.
pub async fn of_images(changes: Changes, triggers: Triggers) {
    changes.for_each(|subscriber| send(&triggers, [subscriber.into()])).await;
}

/// After a change of the configuration: triggers the objects whose identity has changed.
pub async fn of_identities(
    mut identities: watch::Receiver<Arc<Identities>>,
    store: Store<WatchedImage>,
    triggers: Triggers,
) {
    let mut before = identities.borrow_and_update().clone();
    while identities.changed().await.is_ok() {
        let now = identities.borrow_and_update().clone();
        let has_changed = |object: &WatchedImage| {
            let name = name_of(&object.spec);
            before.grant(name) != now.grant(name)
        };
        send(&triggers, matching(&store, has_changed)).await;
        before = now;
    }
}

/// After a change of namespaces' labels: triggers the objects in these namespaces.
pub async fn of_labels(
    relabelled: mpsc::UnboundedReceiver<Relabelled>,
    store: Store<WatchedImage>,
    triggers: Triggers,
) {
    let objects = |relabelled| match relabelled {
        Relabelled::All => matching(&store, |_| true),
        Relabelled::Namespace(name) => matching(&store, |object| object.reference().namespace.as_ref() == Some(&name)),
    };
    relabelled.for_each(|relabelled| send(&triggers, objects(relabelled))).await;
}

/// After an account was learned: triggers the objects whose status does not name it yet. The answer for an absent image
/// does not reveal the account, so the status of such an image waits for the answer for another one.
pub async fn of_accounts<S: Source + 'static>(
    context: Arc<Context<S>>,
    store: Store<WatchedImage>,
    triggers: Triggers,
) {
    let mut learned = context.accounts.learned();
    while learned.changed().await.is_ok() {
        send(&triggers, matching(&store, |object| names_another_account(object, &context))).await;
    }
}

/// To be called when this process begins to lead. All objects subscribe at once, so that they share their first read.
pub async fn subscribe_all<S: Source + 'static>(context: Arc<Context<S>>, store: Store<WatchedImage>) {
    // An error means that the store's writer is gone. That happens only when the controller ends.
    let _ = store.wait_until_ready().await;
    for object in store.state() {
        subscribe_early(&object, &context);
    }
}

/// Triggers all objects.
pub fn all(store: &Store<WatchedImage>, triggers: &Triggers) {
    for object in matching(store, |_| true) {
        // The receiver is gone only when the controller ends.
        let _ = triggers.unbounded_send(object);
    }
}

fn matching(store: &Store<WatchedImage>, is_meant: impl Fn(&WatchedImage) -> bool) -> Vec<Reference> {
    store.state().iter().filter(|object| is_meant(object)).map(|object| object.reference()).collect()
}

async fn send(triggers: &Triggers, references: impl IntoIterator<Item = Reference>) {
    for reference in references {
        // The receiver is gone only when the controller ends.
        let _ = triggers.unbounded_send(reference);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use serde_json::json;

    #[test]
    fn triggers_wait_for_leadership_and_each_object_comes_once() {
        let (sender, triggers) = mpsc::unbounded();
        let (lead, leading) = futures::channel::oneshot::channel::<()>();
        let mut held = std::pin::pin!(held_until(triggers, async move { leading.await.unwrap() }));
        for name in ["a", "b", "a"] {
            sender.unbounded_send(name).unwrap();
        }
        assert!(held.next().now_or_never().is_none());
        lead.send(()).unwrap();
        sender.unbounded_send("c").unwrap();
        drop(sender);
        let seen: Vec<_> = held.collect().now_or_never().unwrap();
        let mut first = seen[..2].to_vec();
        first.sort_unstable();
        assert_eq!((first, &seen[2..]), (vec!["a", "b"], &["c"][..]));
    }

    /// The objects that these events change, in order.
    fn changed(events: Vec<Event<WatchedImage>>) -> Vec<String> {
        let (_, writer) = kube::runtime::reflector::store();
        let changed = of_watch(stream::iter(events.into_iter().map(Ok)), writer).map_ok(|(_, changed)| changed);
        let changed: Vec<Vec<Reference>> = changed.map(Result::unwrap).collect().now_or_never().unwrap();
        changed.into_iter().flatten().map(|object| object.name).collect()
    }

    fn object(name: &str, version: &str) -> WatchedImage {
        let metadata = json!({"name": name, "namespace": "images", "uid": name, "resourceVersion": version});
        serde_json::from_value(json!({"metadata": metadata, "spec": {"imageId": "hpc"}})).unwrap()
    }

    #[test]
    fn a_listed_object_has_changed_only_when_its_list_is_complete() {
        let broken_off = vec![Event::Init, Event::InitApply(object("a", "1"))];
        assert_eq!(changed(broken_off.clone()), Vec::<String>::new());
        let again = [Event::Init, Event::InitApply(object("b", "1")), Event::InitDone];
        let later = [Event::Apply(object("c", "2")), Event::Delete(object("b", "1"))];
        assert_eq!(changed([broken_off, again.into(), later.into()].concat()), ["b", "c"]);
    }

    #[test]
    fn an_object_that_is_restored_as_it_was_has_changed_and_one_that_was_there_all_the_time_has_not() {
        let list = |names: &[&str]| {
            let objects = names.iter().map(|name| Event::InitApply(object(name, "1")));
            [Event::Init].into_iter().chain(objects).chain([Event::InitDone]).collect::<Vec<_>>()
        };
        assert_eq!(changed([list(&["a", "b"]), list(&["b"]), list(&["a", "b"])].concat()), ["a", "b", "a"]);
        let deleted = vec![Event::Delete(object("a", "1")), Event::Apply(object("a", "1"))];
        assert_eq!(changed([list(&["a"]), deleted, vec![Event::Apply(object("a", "1"))]].concat()), ["a", "a"]);
    }
}
