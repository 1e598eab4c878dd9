//! Looks that no object asked for: a changed configuration, or a namespace's changed labels, may allow an identity or
//! refuse it.

use super::custom_image::CustomImage;
use super::identities::Identities;
use super::leading::Leading;
use super::namespaces::Concerned;
use futures::channel::mpsc::UnboundedReceiver;
use futures::{Stream, StreamExt, stream};
use kube::runtime::reflector::{ObjectRef, Store};
use std::sync::Arc;
use tokio::sync::watch;

/// The objects to look at again. None before this process leads: then all are looked at anyway.
pub fn objects(
    identities: watch::Receiver<Arc<Identities>>,
    namespaces: UnboundedReceiver<Concerned>,
    store: Store<CustomImage>,
    leading: Leading,
) -> impl Stream<Item = ObjectRef<CustomImage>> + Send {
    stream::select(changes(identities), namespaces)
        .filter(move |_| {
            let is_leading = leading.is_now();
            async move { is_leading }
        })
        .flat_map(move |concerned| stream::iter(of(&store, &concerned)))
}

fn changes(identities: watch::Receiver<Arc<Identities>>) -> impl Stream<Item = Concerned> + Send {
    stream::unfold(identities, |mut identities| async move {
        identities.changed().await.ok()?;
        Some((Concerned::All, identities))
    })
}

fn of(store: &Store<CustomImage>, concerned: &Concerned) -> Vec<ObjectRef<CustomImage>> {
    let objects = store.state().into_iter().map(|object| ObjectRef::from_obj(&*object));
    match concerned {
        Concerned::All => objects.collect(),
        Concerned::Namespace(name) => objects.filter(|object| object.namespace.as_ref() == Some(name)).collect(),
    }
}
