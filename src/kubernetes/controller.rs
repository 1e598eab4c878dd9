//! Watches, triggers, concurrency, shutdown. No decisions about images.

use super::context::Context;
use super::custom_image::{CustomImage, CustomImageSpec};
use super::reconcile::reconcile;
use super::write::WriteError;
use super::{chance, relist, standby};
use crate::describe_image::observe::Observe;
use crate::describe_image::source::ImageConfigSource;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use kube::core::DeserializeGuard;
use kube::runtime::controller::{self, Action};
use kube::runtime::reflector::{self, ObjectRef, Store, store::Writer};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{Controller, Predicate, WatchStreamExt, predicates};
use kube::{Api, Client, Resource, ResourceExt};
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// `Ok` once the watch holds all objects; else what it waits for.
pub type Readiness = Result<(), String>;

/// Where the watch keeps all objects, and its writing end.
pub type ObjectStore = (Store<CustomImage>, Writer<CustomImage>);

/// An empty store.
#[must_use]
pub fn object_store() -> ObjectStore {
    reflector::store()
}

/// Runs until `stop`, and reconciles once `leading`; reconciles under way are finished first.
pub async fn run<O>(
    context: Arc<Context<O>>,
    (store, writer): ObjectStore,
    readiness: watch::Sender<Readiness>,
    mut leading: watch::Receiver<bool>,
    stop: CancellationToken,
) where
    O: Observe + ImageConfigSource + 'static,
{
    let memory = context.memory.clone();
    let triggers = objects(context.client.clone(), context.settings.namespace.as_deref())
        .inspect(move |event| tell_readiness(event, &readiness))
        .default_backoff()
        .inspect(move |event| {
            if let Ok(Event::Delete(object)) = event {
                memory.forget(&ObjectRef::from_obj(object));
            }
        })
        .modify(|object| object.meta_mut().managed_fields = None)
        .reflect(writer);
    let triggers = relist::applied(triggers)
        // Our own status writes trigger nothing; a new spec or annotation does.
        .predicate_filter(predicates::generation.combine(predicates::annotations), Default::default());
    let triggers = standby::held_until(triggers, async move {
        // An election that has ended without leadership ends the process.
        if leading.wait_for(|leading| *leading).await.is_err() {
            std::future::pending::<()>().await;
        }
    });
    Controller::for_stream(triggers, store)
        .with_config(controller::Config::default().concurrency(context.settings.concurrency))
        .graceful_shutdown_on(async move { stop.cancelled().await })
        .run(reconcile, after_error, context)
        .for_each(|result| async move {
            match result {
                Ok((object, _)) => tracing::debug!(%object, "reconciled"),
                // Deleted between its trigger and its turn; the gauges forget it when they are read.
                Err(controller::Error::ObjectNotFound(_)) => {}
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "reconcile"),
            }
        })
        .await;
}

/// The status could not be written: each object backs off on its own.
fn after_error<O>(object: Arc<CustomImage>, error: &WriteError, context: Arc<Context<O>>) -> Action {
    let failures = context.memory.count_failure(&ObjectRef::from_obj(&*object));
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

fn tell_readiness(event: &watcher::Result<Event<CustomImage>>, readiness: &watch::Sender<Readiness>) {
    let now = match event {
        Ok(Event::InitDone | Event::Apply(_) | Event::Delete(_)) => Ok(()),
        Ok(Event::Init | Event::InitApply(_)) => return,
        // Once ready, a broken watch is retried with the store at hand.
        Err(error) if readiness.borrow().is_err() => {
            tracing::warn!(error = error as &dyn std::error::Error, "cannot list customimages yet");
            Err(error.to_string())
        }
        Err(error) => {
            tracing::warn!(error = error as &dyn std::error::Error, "watch of customimages broke, trying again");
            return;
        }
    };
    readiness.send_if_modified(|before| std::mem::replace(before, now.clone()) != now);
}

/// All CustomImages as a watch: streamed where the server can, paged where it refuses. A stored object that cannot be
/// read is told and passed over; it must not stop the others.
fn objects(
    client: Client,
    namespace: Option<&str>,
) -> impl Stream<Item = watcher::Result<Event<CustomImage>>> + Send + use<> {
    let api: Api<DeserializeGuard<CustomImage>> = match namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    };
    let paged = api.clone();
    let streamed = watcher::watcher(api, watcher::Config::default().streaming_lists()).boxed();
    with_fallback(streamed, move || watcher::watcher(paged.clone(), watcher::Config::default()).boxed())
        .filter_map(|event| async move { event.map(readable).transpose() })
}

type Watch = BoxStream<'static, watcher::Result<Event<DeserializeGuard<CustomImage>>>>;

/// Goes over to `fallback` when the server refuses a streaming list as such.
fn with_fallback(first: Watch, fallback: impl Fn() -> Watch + Send + 'static) -> Watch {
    futures::stream::unfold((first, Some(fallback)), |(mut watch, fallback)| async move {
        match (watch.next().await?, fallback) {
            (Err(error), Some(fallback)) if refuses_streaming(&error) => {
                tracing::info!("the API server refuses streaming lists: listing in pages");
                let mut paged = fallback();
                paged.next().await.map(|event| (event, (paged, None)))
            }
            (event, fallback) => Some((event, (watch, fallback))),
        }
    })
    .boxed()
}

fn refuses_streaming(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(kube::Error::Api(answer)) if matches!(answer.code, 400 | 422))
}

fn readable(event: Event<DeserializeGuard<CustomImage>>) -> Option<Event<CustomImage>> {
    let read = |DeserializeGuard(object): DeserializeGuard<CustomImage>| match object {
        Ok(object) => Some(object),
        Err(invalid) => {
            let meta = &invalid.metadata;
            tracing::error!(
                namespace = meta.namespace.as_deref().unwrap_or_default(),
                name = meta.name.as_deref().unwrap_or_default(),
                error = invalid.error,
                "a stored CustomImage cannot be read and is passed over"
            );
            None
        }
    };
    Some(match event {
        Event::Apply(object) => match unreadable(&object) {
            // Its former version must not be looked at any more.
            Some(gone) => {
                read(object);
                Event::Delete(gone)
            }
            None => Event::Apply(read(object)?),
        },
        Event::Delete(object) => Event::Delete(unreadable(&object).or_else(|| read(object))?),
        Event::InitApply(object) => Event::InitApply(read(object)?),
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
    })
}

/// For an object that cannot be read: one that bears its name, to delete it by.
fn unreadable(DeserializeGuard(object): &DeserializeGuard<CustomImage>) -> Option<CustomImage> {
    let invalid = object.as_ref().err()?;
    let spec = CustomImageSpec { image_id: String::new(), region: None, suspend: None };
    Some(CustomImage { metadata: invalid.metadata.clone(), spec, status: None })
}
