//! Watches, triggers, concurrency, shutdown. No decisions about images.

pub mod gauges;
mod triggers;

use crate::kubernetes::chance;
use crate::kubernetes::controller::triggers::{gate, listed};
use crate::kubernetes::index::Target;
use crate::kubernetes::reconcile::context::Context;
use crate::kubernetes::reconcile::write::WriteError;
use crate::kubernetes::reconcile::{self, reconcile};
use crate::kubernetes::watch::backoff::AtOnce;
use crate::kubernetes::watch::readiness::{Board, Readiness};
use crate::kubernetes::watch::watched_image::WatchedImage;
use crate::reflector::reading::{Observe, Observer};
use futures::channel::mpsc;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use kube::ResourceExt;
use kube::runtime::controller::{self, Action};
use kube::runtime::reflector::{self, Store, store::Writer};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{Controller, WatchStreamExt, predicates};
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Where the watch keeps all objects, and its writing end.
pub type ObjectStore = (Store<WatchedImage>, Writer<WatchedImage>);

/// An empty store.
#[must_use]
pub fn object_store() -> ObjectStore {
    reflector::store()
}

/// Runs until `stop`, and reconciles once this process leads; reconciles under way are finished first.
pub async fn run<O>(
    context: Arc<Context<O>>,
    (store, writer): ObjectStore,
    changed: mpsc::UnboundedReceiver<Target>,
    readiness: watch::Sender<Readiness>,
    stop: CancellationToken,
) where
    O: Observer + 'static,
{
    let triggers = watched(&context, store.clone(), writer, readiness);
    let (told, concerned) = mpsc::unbounded();
    let rechecks = triggers::objects(context.identities.clone(), concerned, store.clone(), context.leading.clone());
    let (namespaces, client, identities) = (context.clone(), context.client.clone(), context.identities.clone());
    let labels = async move { namespaces.namespaces.keep(client, identities, told).await };
    let (index, accounts, of_accounts) = (context.clone(), context.clone(), store.clone());
    let changed = changed.flat_map(move |target| stream::iter(index.index.objects(&target)));
    let controller = Controller::for_stream(triggers, store)
        .with_config(controller::Config::default().concurrency(context.settings.concurrency))
        // A watch that fails has its own patience; the other triggers must not wait for it.
        .trigger_backoff(AtOnce)
        .reconcile_on(rechecks)
        .reconcile_on(changed)
        .reconcile_on(triggers::of_accounts(context.accounts.news(), of_accounts, move |object| {
            reconcile::names_another_account(object, &accounts)
        }))
        .graceful_shutdown_on(async move { stop.cancelled().await })
        .run(reconcile, after_error, context)
        .for_each(|result| async move {
            match result {
                Ok((object, _)) => tracing::debug!(%object, "reconciled"),
                // Deleted between its trigger and its turn; the gauges forget it when they are read.
                Err(controller::Error::ObjectNotFound(_)) => {}
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "reconcile"),
            }
        });
    tokio::select! { () = controller => {} () = labels => {} }
}

/// The objects to look at, from when this process leads; until then the store is kept warm.
fn watched<O>(
    context: &Arc<Context<O>>,
    store: Store<WatchedImage>,
    writer: Writer<WatchedImage>,
    readiness: watch::Sender<Readiness>,
) -> impl Stream<Item = watcher::Result<WatchedImage>> + Send + use<O>
where
    O: Observe + 'static,
{
    let (all, gone, shown, echoed) = (store.clone(), context.clone(), context.clone(), context.clone());
    let namespaces = &context.settings.namespaces;
    let watched =
        crate::kubernetes::watch::watch(&context.client, namespaces, store, &Board::new(namespaces, readiness))
            .inspect(move |event| {
                if let Ok(Event::Delete(object)) = event {
                    let object = object.reference();
                    gone.memory.forget(&object);
                    gone.hide(&object);
                }
            })
            .reflect(writer);
    let triggers = listed::applied(watched)
        // Any change of the object is looked at, another hand's in the status too; to look costs nothing but a comparison. A list
        // that begins anew is none, and neither is what was written here.
        .predicate_filter(predicates::resource_version, Default::default())
        .try_filter(move |object| std::future::ready(!echoed.memory.has_written(object)));
    let leading = context.leading.clone();
    gate::held_until(triggers, async move {
        leading.begun().await;
        // All at once, so that their first read is one. The writing end goes only with this stream.
        let _ = all.wait_until_ready().await;
        for object in all.state() {
            reconcile::show(&object.reference(), &object.without_status(), &shown);
        }
    })
}

/// The status could not be written: each object backs off on its own.
fn after_error<O>(object: Arc<WatchedImage>, error: &WriteError, context: Arc<Context<O>>) -> Action {
    let failures = context.memory.count_unwritten(&object.reference());
    tracing::warn!(
        namespace = object.namespace().unwrap_or_default(),
        name = object.name_any(),
        failures,
        error = error as &dyn std::error::Error,
        "status not written"
    );
    let pause = context.settings.intervals.after_error(failures);
    Action::requeue(chance::jittered(pause))
}
