//! The watch of CustomImages. It uses streaming lists if the API server supports them, and one watch for each namespace
//! if only some namespaces are watched. It skips stored objects that cannot be read.

pub mod backoff;
mod merge;
pub mod readiness;
pub mod watched_image;

use crate::kubernetes::custom_image::{CustomImage, CustomImageSpec};
use crate::kubernetes::watch::backoff::WatchBackoff;
use crate::kubernetes::watch::merge::merged;
use crate::kubernetes::watch::readiness::ReadinessBoard;
use crate::kubernetes::watch::watched_image::WatchedImage;
use futures::stream::{BoxStream, Stream, StreamExt};
use kube::core::DeserializeGuard;
use kube::runtime::WatchStreamExt;
use kube::runtime::reflector::Store;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client, Resource};

type Watch<K> = BoxStream<'static, watcher::Result<Event<K>>>;

/// Watches the CustomImages of `namespaces` (empty: all). The caller writes the events into `store`; when one namespace
/// is listed again, the objects of the other namespaces come from there.
pub fn watch_images(
    client: &Client,
    namespaces: &[String],
    store: Store<WatchedImage>,
    board: &ReadinessBoard,
) -> impl Stream<Item = watcher::Result<Event<WatchedImage>>> + Send + use<> {
    let noted = |name: &str, api: Api<DeserializeGuard<CustomImage>>| {
        let (board, name) = (board.clone(), name.to_owned());
        listed(api).inspect(move |event| board.note(&name, event)).backoff(WatchBackoff::default()).boxed()
    };
    if namespaces.is_empty() {
        return noted("", Api::all(client.clone()));
    }
    let of = |name: &String| (name.clone(), noted(name, Api::namespaced(client.clone(), name)));
    let others = move |name: &str| {
        let objects = store.state();
        let others = objects.iter().filter(|object| object.meta().namespace.as_deref() != Some(name));
        others.map(|object| WatchedImage::clone(object)).collect()
    };
    merged(namespaces.iter().map(of).collect(), others).boxed()
}

/// Lists and watches. A stored object that cannot be read is logged and skipped, so that it does not stop the others.
fn listed(
    api: Api<DeserializeGuard<CustomImage>>,
) -> impl Stream<Item = watcher::Result<Event<WatchedImage>>> + Send + use<> {
    let paged = api.clone();
    let streamed = watcher::watcher(api, watcher::Config::default().streaming_lists()).boxed();
    with_fallback(streamed, move || watcher::watcher(paged.clone(), watcher::Config::default()).boxed())
        .filter_map(|event| async move { event.map(readable).transpose() })
}

/// Switches to `fallback` when the API server refuses streaming lists altogether.
fn with_fallback<K: Send + 'static>(first: Watch<K>, fallback: impl Fn() -> Watch<K> + Send + 'static) -> Watch<K> {
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

fn readable(event: Event<DeserializeGuard<CustomImage>>) -> Option<Event<WatchedImage>> {
    let read = |DeserializeGuard(object): DeserializeGuard<CustomImage>| match object {
        Ok(object) => Some(WatchedImage::from(object)),
        Err(invalid) => {
            let meta = &invalid.metadata;
            tracing::error!(
                namespace = meta.namespace.as_deref().unwrap_or_default(),
                name = meta.name.as_deref().unwrap_or_default(),
                error = invalid.error,
                "a stored CustomImage cannot be read and is skipped"
            );
            None
        }
    };
    Some(match event {
        Event::Apply(object) => match unreadable(&object) {
            // The store must not keep its previous version. `read` only logs the error.
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

/// For an object that cannot be read: a placeholder with its metadata, to delete it from the store. Else `None`.
fn unreadable(DeserializeGuard(object): &DeserializeGuard<CustomImage>) -> Option<WatchedImage> {
    let invalid = object.as_ref().err()?;
    let spec = CustomImageSpec { image_id: String::new(), region: None, identity: None, suspend: None };
    Some(CustomImage { metadata: invalid.metadata.clone(), spec, status: None }.into())
}
