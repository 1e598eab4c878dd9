//! Looks that no object asked for: a changed configuration, or a namespace's changed labels, may allow an identity or
//! refuse it; an account may have been learned.

pub mod gate;
pub mod listed;

use crate::kubernetes::identities::grants::{self, Identities};
use crate::kubernetes::identities::namespaces::Concerned;
use crate::kubernetes::leadership::Leading;
use crate::kubernetes::watch::watched_image::{Reference, WatchedImage};
use futures::channel::mpsc::UnboundedReceiver;
use futures::{Stream, StreamExt, stream};
use kube::runtime::reflector::Store;
use std::sync::Arc;
use tokio::sync::watch;

/// Whenever an account was learned, the objects that `concerns` says do not name it yet: an image that is not there cannot tell.
pub fn of_accounts(
    news: watch::Receiver<u64>,
    store: Store<WatchedImage>,
    concerns: impl Fn(&WatchedImage) -> bool + Send + 'static,
) -> impl Stream<Item = Reference> + Send {
    let learned = stream::unfold(news, |mut news| async move {
        news.changed().await.ok()?;
        Some(((), news))
    });
    learned.flat_map(move |()| {
        let concerned = store.state().into_iter().filter(|object| concerns(object)).map(|object| object.reference());
        stream::iter(concerned.collect::<Vec<_>>())
    })
}

/// The objects to look at again. None before this process leads: then all are looked at anyway.
pub fn objects(
    identities: watch::Receiver<Arc<Identities>>,
    namespaces: UnboundedReceiver<Concerned>,
    store: Store<WatchedImage>,
    leading: Leading,
) -> impl Stream<Item = Reference> + Send {
    let of_all = store.clone();
    let reloaded = changes(identities).flat_map(move |(before, now)| stream::iter(touched(&of_all, &before, &now)));
    let relabelled = namespaces.flat_map(move |concerned| stream::iter(within(&store, &concerned)));
    stream::select(reloaded, relabelled).filter(move |_| {
        let is_leading = leading.is_now();
        async move { is_leading }
    })
}

type Change = (Arc<Identities>, Arc<Identities>);

fn changes(mut identities: watch::Receiver<Arc<Identities>>) -> impl Stream<Item = Change> + Send {
    let before = identities.borrow_and_update().clone();
    stream::unfold((identities, before), |(mut identities, before)| async move {
        identities.changed().await.ok()?;
        let now = identities.borrow_and_update().clone();
        Some(((before, now.clone()), (identities, now)))
    })
}

/// The objects whose identity is not the same before and after.
fn touched(store: &Store<WatchedImage>, before: &Identities, now: &Identities) -> Vec<Reference> {
    let is_touched = |object: &Arc<WatchedImage>| {
        let name = grants::name_of(&object.spec);
        before.grant(name) != now.grant(name)
    };
    store.state().into_iter().filter(is_touched).map(|object| object.reference()).collect()
}

fn within(store: &Store<WatchedImage>, concerned: &Concerned) -> Vec<Reference> {
    let objects = store.state().into_iter().map(|object| object.reference());
    match concerned {
        Concerned::All => objects.collect(),
        Concerned::Namespace(name) => objects.filter(|object| object.namespace.as_ref() == Some(name)).collect(),
    }
}
