//! The watch of CustomImages. It uses streaming lists if the API server supports them, and one watch for each namespace
//! if only some namespaces are watched. It skips stored objects that cannot be read.

pub mod backoff;
pub mod comparison;
mod merge;
pub mod readiness;
pub mod watched_image;

use crate::kubernetes::custom_image::{CustomImage, CustomImageSpec};
use crate::kubernetes::watch::backoff::WatchBackoff;
use crate::kubernetes::watch::merge::merged;
use crate::kubernetes::watch::readiness::ReadinessBoard;
use crate::kubernetes::watch::watched_image::WatchedImage;
use futures::stream::{BoxStream, Stream, StreamExt};
use http::Request;
use kube::client::Body;
use kube::core::DeserializeGuard;
use kube::runtime::WatchStreamExt;
use kube::runtime::reflector::Store;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client, Resource};
use std::time::Duration;
use tokio::sync::watch;

pub type Watch<K> = BoxStream<'static, watcher::Result<Event<K>>>;

/// The times of the watch.
#[derive(Clone, Copy, Debug)]
pub struct WatchTimes {
    /// A watch that delivers nothing for so long is started again.
    pub silence: Duration,
    /// How long a watch may fail until the process is not ready.
    pub patience: Duration,
    /// Time between two comparisons of the store with the API server.
    pub comparison_interval: Duration,
    /// How long a difference must last before it counts.
    pub comparison_lag: Duration,
}

/// How long a watch may deliver nothing.
pub const DEFAULT_SILENCE: Duration = Duration::from_secs(120);

/// The settings of a watch that is started again when it hangs. Every watch is short: the API server ends it 5 s before
/// `silence`, and kube drops a connection on which nothing came for `silence`. Bookmarks come each minute, so a healthy watch
/// is never silent for that long. The next watch goes on without a new list.
#[must_use]
pub fn ending_after(silence: Duration) -> watcher::Config {
    let seconds = silence.as_secs().saturating_sub(5).max(1);
    watcher::Config::default().timeout(u32::try_from(seconds).unwrap_or(u32::MAX))
}

/// What the watch of images needs from its surroundings.
pub struct Surroundings<'a> {
    /// The watched namespaces. Empty: all.
    pub namespaces: &'a [String],
    /// The caller writes the events into it. When one namespace is listed again, the objects of the other namespaces
    /// come from there.
    pub store: Store<WatchedImage>,
    pub board: &'a ReadinessBoard,
    pub silence: Duration,
    /// Each change makes the watch list anew.
    pub relists: watch::Receiver<()>,
}

/// Watches CustomImages.
pub fn watch_images(
    client: &Client,
    surroundings: Surroundings<'_>,
) -> impl Stream<Item = watcher::Result<Event<WatchedImage>>> + Send + use<> {
    let Surroundings { namespaces, store, board, silence, relists } = surroundings;
    let noted = |name: &str| {
        let (board, name) = (board.clone(), name.to_owned());
        let client = telling(client, &board, &name);
        let api = if name.is_empty() { Api::all(client) } else { Api::namespaced(client, &name) };
        let events = listed(api, silence, relists.clone());
        events.inspect(move |event| board.note(&name, event)).backoff(WatchBackoff::default()).boxed()
    };
    if namespaces.is_empty() {
        return noted("");
    }
    let others = move |name: &str| {
        let objects = store.state();
        let others = objects.iter().filter(|object| object.meta().namespace.as_deref() != Some(name));
        others.map(|object| WatchedImage::clone(object)).collect()
    };
    merged(namespaces.iter().map(|name| (name.clone(), noted(name))).collect(), others).boxed()
}

/// A client that tells the board when the API server begins to answer the watch of `namespace`. kube does not tell it: a
/// watch that works again is silent until an object changes.
fn telling(client: &Client, board: &ReadinessBoard, namespace: &str) -> Client {
    let (sender, board, namespace) = (client.clone(), board.clone(), namespace.to_owned());
    let service = tower::service_fn(move |request: Request<Body>| {
        let (sender, board, namespace) = (sender.clone(), board.clone(), namespace.clone());
        let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
        async move {
            let reply = sender.send(request).await?;
            if is_watch && reply.status().is_success() {
                board.note_answered(&namespace);
            }
            Ok::<_, kube::Error>(reply)
        }
    });
    Client::new(service, client.default_namespace())
}

/// Lists and watches. A stored object that cannot be read is logged and skipped, so that it does not stop the others.
fn listed(
    api: Api<DeserializeGuard<CustomImage>>,
    silence: Duration,
    relists: watch::Receiver<()>,
) -> impl Stream<Item = watcher::Result<Event<WatchedImage>>> + Send + use<> {
    let streamed = watcher::watcher(api.clone(), ending_after(silence).streaming_lists()).boxed();
    // A list in pages comes from etcd. A streamed one comes from the API server's memory, which may be outdated.
    let paged = move || watcher::watcher(api.clone(), ending_after(silence)).boxed();
    relisting(with_fallback(streamed, paged.clone()), paged, relists)
        .filter_map(|event| async move { event.map(readable).transpose() })
}

/// Takes a new watch in place of the current one when `relists` changes. A new watch begins with a list, which replaces
/// all that the current one has delivered.
fn relisting<K: Send + 'static>(
    first: Watch<K>,
    again: impl Fn() -> Watch<K> + Send + 'static,
    relists: watch::Receiver<()>,
) -> Watch<K> {
    futures::stream::unfold((first, again, relists), |(mut watch, again, mut relists)| async move {
        loop {
            tokio::select! {
                biased;
                Ok(()) = relists.changed() => watch = again(),
                event = watch.next() => return Some((event?, (watch, again, relists))),
            }
        }
    })
    .boxed()
}

/// Takes a new watch after each error. It begins with a list, so that the consumer knows when the watch works again. A
/// watch that goes on is silent until an object changes.
pub fn afresh_after_errors<K: Send + 'static>(make: impl Fn() -> Watch<K> + Send + 'static) -> Watch<K> {
    futures::stream::unfold((make(), make), |(mut watch, make)| async move {
        let event = watch.next().await?;
        if event.is_err() {
            watch = make();
        }
        Some((event, (watch, make)))
    })
    .boxed()
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

/// The event with its object as the store keeps it. Nothing, if an object cannot be read that the store does not have.
pub(super) fn readable(event: Event<DeserializeGuard<CustomImage>>) -> Option<Event<WatchedImage>> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{FutureExt, stream};

    #[test]
    fn a_watch_begins_with_a_list_after_an_error() {
        let first = || stream::iter([Ok(Event::Init), Ok(Event::Apply(1)), Err(watcher::Error::NoResourceVersion)]);
        let mut watch = afresh_after_errors(move || first().chain(stream::pending()).boxed());
        let mut seen = String::new();
        for _ in 0..5 {
            seen += match watch.next().now_or_never() {
                Some(Some(Ok(Event::Init))) => "list ",
                Some(Some(Ok(_))) => "change ",
                Some(_) => "error ",
                None => "nothing ",
            };
        }
        assert_eq!(seen, "list change error list change ");
    }
}
