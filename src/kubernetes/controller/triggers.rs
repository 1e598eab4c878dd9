//! The triggers that make the controller reconcile an object: the watch, a change in AWS, a changed configuration,
//! changed labels of a namespace, a learned account. They all go into one channel of references, and wait there until
//! this process leads.

use crate::describe_image::source::Source;
use crate::kubernetes::identities::grants::{Identities, name_of};
use crate::kubernetes::identities::namespaces::Relabelled;
use crate::kubernetes::reconcile::context::Context;
use crate::kubernetes::reconcile::{names_another_account, subscribe_early};
use crate::kubernetes::watch::watched_image::{Reference, WatchedImage};
use crate::reflector::Changes;
use futures::channel::mpsc;
use futures::stream::{self, Stream, StreamExt};
use kube::runtime::reflector::Store;
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

/// The objects of watch events: a listed one when its list is complete, a changed one at once. kube's store takes over a
/// list only when the list is complete. Until then a reconcile would read the previous version of the object, or none.
pub fn of_watch<K>(events: impl Stream<Item = watcher::Result<Event<K>>>) -> impl Stream<Item = watcher::Result<K>> {
    let mut listed = Vec::new();
    events.flat_map(move |event| {
        let ready = match event {
            Ok(Event::Init) => {
                listed.clear();
                Vec::new()
            }
            Ok(Event::InitApply(object)) => {
                listed.push(object);
                Vec::new()
            }
            Ok(Event::InitDone) => std::mem::take(&mut listed).into_iter().map(Ok).collect(),
            Ok(Event::Apply(object)) => vec![Ok(object)],
            Ok(Event::Delete(_)) => Vec::new(),
            Err(error) => vec![Err(error)],
        };
        stream::iter(ready)
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

    #[test]
    fn a_listed_object_triggers_only_when_its_list_is_complete() {
        let (sender, events) = futures::channel::mpsc::unbounded();
        let mut triggers = std::pin::pin!(of_watch(events));
        for event in [Event::Init, Event::InitApply(1), Event::InitApply(2)] {
            sender.unbounded_send(Ok(event)).unwrap();
        }
        assert!(triggers.next().now_or_never().is_none());
        // The list breaks off and starts again.
        for event in [Event::Init, Event::InitApply(3), Event::InitDone, Event::Apply(4), Event::Delete(5)] {
            sender.unbounded_send(Ok(event)).unwrap();
        }
        drop(sender);
        let seen: Vec<i32> = triggers.map(Result::unwrap).collect().now_or_never().unwrap();
        assert_eq!(seen, [3, 4]);
    }
}
