//! The controller: runs the watch, the triggers and the reconciles, and shuts them down. No decisions about images.

mod gauges;
mod relisting;
mod triggers;

use crate::describe_image::source::Source;
use crate::kubernetes::identities::grants::Identities;
use crate::kubernetes::leadership::Leadership;
use crate::kubernetes::metrics::Metrics;
use crate::kubernetes::mirror::Mirror;
use crate::kubernetes::reconcile::context::{Context, ControllerSettings, Kept};
use crate::kubernetes::reconcile::events::EventQueue;
use crate::kubernetes::reconcile::reconcile;
use crate::kubernetes::reconcile::unwritten;
use crate::kubernetes::reconcile::write::WriteError;
use crate::kubernetes::watch::readiness::{Readiness, ReadinessBoard};
use crate::kubernetes::watch::watched_image::{Reference, WatchedImage};
use crate::kubernetes::watch::{Surroundings, WatchTimes, watch_images};
use crate::reflector::{Changes, Reflector};
use futures::channel::mpsc;
use futures::stream::{self, StreamExt};
use gauges::Gauges;
use kube::runtime::Controller;
use kube::runtime::controller::{self, Action};
use kube::runtime::reflector::{self, Store, store::Writer};
use kube::runtime::watcher::Event;
use kube::{Client, ResourceExt};
use prometheus_client::registry::Registry;
use relisting::Relisting;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch::{Receiver, channel};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use triggers::Triggers;

/// Time between two clean-ups of what is kept for deleted objects.
const FORGET_INTERVAL: Duration = Duration::from_secs(60);

/// The parts of a controller.
pub struct Parts<S> {
    pub client: Client,
    pub reflector: Reflector<S>,
    pub changes: Changes,
    /// The current identities. A change needs no restart.
    pub identities: Receiver<Arc<Identities>>,
    pub leadership: Leadership,
    /// The instance that Events name as their publisher, such as the name of the pod.
    pub instance: Option<String>,
    pub settings: ControllerSettings,
    pub watch: WatchTimes,
}

/// A controller that has not started yet.
pub struct ImageController<S> {
    context: Arc<Context<S>>,
    store: Store<WatchedImage>,
    writer: Writer<WatchedImage>,
    changes: Changes,
    board: ReadinessBoard,
    watch: WatchTimes,
    publishing: JoinHandle<()>,
}

impl<S: Source + 'static> ImageController<S> {
    /// Registers the metrics in `registry`. The receiver has the readiness of the watches.
    pub fn new(parts: Parts<S>, registry: &mut Registry) -> (Self, Receiver<Readiness>) {
        let Parts { client, reflector, changes, identities, leadership, instance, settings, watch } = parts;
        let (store, writer) = reflector::store();
        let (events, publishing) = EventQueue::start(client.clone(), instance, settings.write_timeout, settings.clock);
        let metrics = Metrics::register(registry);
        let context = Arc::new(Context {
            client,
            reflector: Arc::new(reflector),
            events,
            memory: Default::default(),
            accounts: Default::default(),
            metrics,
            pace: Default::default(),
            settings,
            identities,
            namespaces: Default::default(),
            leadership: leadership.clone(),
        });
        let (readiness, ready) = channel(Err("listing customimages".to_owned()));
        let board = ReadinessBoard::new(&context.settings.namespaces, watch.patience, readiness);
        let gauges =
            Gauges { store: store.clone(), leadership, board: board.clone(), context: Arc::downgrade(&context) };
        registry.register_collector(Box::new(gauges));
        (Self { context, store, writer, changes, board, watch, publishing }, ready)
    }

    /// What the HTTP interface reads.
    pub fn mirror(&self) -> Mirror<S> {
        Mirror {
            reflector: self.context.reflector.clone(),
            leadership: self.context.leadership.clone(),
            identities: self.context.identities.clone(),
            labels: self.context.namespaces.clone(),
            namespaces: self.context.settings.namespaces.clone(),
            default_region: self.context.settings.default_region.clone(),
        }
    }

    /// What it keeps, at any time: nothing once it has ended.
    pub fn kept(&self) -> impl Fn() -> Kept + use<S> {
        let context = Arc::downgrade(&self.context);
        move || context.upgrade().map(|context| context.kept()).unwrap_or_default()
    }

    /// Runs until `stop`, and reconciles once this process leads. Before it returns, running reconciles finish and
    /// their Events are published.
    pub async fn run(self, stop: CancellationToken) {
        let Self { context, store, writer, changes, board, watch, publishing } = self;
        let (triggers, references) = mpsc::unbounded();
        let (leadership, subscribed) =
            (context.leadership.clone(), triggers::subscribe_all(context.clone(), store.clone()));
        let relisting = Arc::new(Relisting::default());
        let fresh = relisting.clone();
        let begun = async move {
            leadership.begun().await;
            // What the leader before has written must not look like the words of another program.
            tokio::join!(subscribed, fresh.agreed());
        };
        let reconciling = Controller::for_stream(stream::pending(), store.clone())
            .with_config(controller::Config::default().concurrency(context.settings.concurrency))
            .reconcile_on(triggers::held_until(references, begun))
            .graceful_shutdown_on(async move { stop.cancelled().await })
            .run(reconcile, after_error, context.clone())
            .for_each(|result| async move {
                match result {
                    Ok((object, _)) => tracing::debug!(%object, "reconciled"),
                    // The object was deleted after its trigger, or `after_error` has told it.
                    Err(controller::Error::ObjectNotFound(_) | controller::Error::ReconcilerFailed(..)) => {}
                    Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "reconcile failed"),
                }
            });
        let comparing = relisting::compare(context.clone(), store.clone(), watch, relisting.clone());
        let watched = Watched { store: store.clone(), board: board.clone(), times: watch, relisting };
        let watching = watch_objects(context.clone(), watched, writer, triggers.clone());
        let others = follow(context, store, changes, triggers);
        tokio::select! { biased; () = reconciling => {} () = watching => {} () = others => {} () = board.keep() => {} () = comparing => {} }
        // The controller has dropped the last handle of the Event queue, so the publishing task ends.
        let _ = publishing.await;
    }
}

/// Follows every trigger except the watch of the objects, and cleans up after deleted objects. Never ends.
async fn follow<S: Source + 'static>(
    context: Arc<Context<S>>,
    store: Store<WatchedImage>,
    changes: Changes,
    triggers: Triggers,
) {
    let (relabelled, of_labels) = mpsc::unbounded();
    let (client, identities) = (context.client.clone(), context.identities.clone());
    let forgetting = async {
        let mut ticks = tokio::time::interval(FORGET_INTERVAL);
        loop {
            ticks.tick().await;
            forget_gone(&store, &context);
        }
    };
    tokio::join!(
        context.namespaces.keep(client, identities.clone(), relabelled),
        triggers::of_images(changes, triggers.clone()),
        triggers::of_identities(identities, store.clone(), triggers.clone()),
        triggers::of_labels(of_labels, store.clone(), triggers.clone()),
        triggers::of_accounts(context.clone(), store.clone(), triggers.clone()),
        forgetting,
    );
}

/// The store and what watches it.
struct Watched {
    store: Store<WatchedImage>,
    board: ReadinessBoard,
    times: WatchTimes,
    relisting: Arc<Relisting>,
}

/// Keeps the store up to date, and triggers objects that have changed. A standby does that, too, so its store is warm.
async fn watch_objects<S: Source + 'static>(
    context: Arc<Context<S>>,
    watched: Watched,
    writer: Writer<WatchedImage>,
    triggers: Triggers,
) {
    let Watched { store, board, times, relisting } = watched;
    let surroundings = Surroundings {
        namespaces: &context.settings.namespaces,
        store: store.clone(),
        board: &board,
        silence: times.silence,
        relists: relisting.subscribe(),
    };
    triggers::of_watch(watch_images(&context.client, surroundings), writer)
        .for_each(|event| async {
            // The readiness board has logged an error, and the watch retries by itself.
            let Ok((event, changed)) = event else { return };
            match event {
                Event::Delete(object) => context.forget(&object.reference()),
                Event::InitDone => {
                    forget_gone(&store, &context);
                    if relisting.has_listed() {
                        // Versions cannot say what has changed, when they were set back. So every object is looked at.
                        triggers::all(&store, &triggers);
                    }
                }
                Event::Init | Event::InitApply(_) | Event::Apply(_) => {}
            }
            // Another client's change of the status triggers, too, because a reconcile costs only a comparison. The echo of our
            // own write does not.
            let changed = changed.into_iter().filter_map(|object| store.get(&object));
            for object in changed.filter(|object| !context.memory.take_echo(object)) {
                let _ = triggers.unbounded_send(object.reference());
            }
        })
        .await;
}

/// Forgets objects that were deleted while they were being reconciled, or while the watch was broken.
fn forget_gone<S: Source + 'static>(store: &Store<WatchedImage>, context: &Context<S>) {
    // Read the subscribers before the objects, so that an object that is created meanwhile does not count as deleted.
    let subscribers = context.reflector.subscribers();
    let objects: HashSet<Reference> = store.state().iter().map(|object| object.reference()).collect();
    context.memory.retain(&objects);
    for subscriber in subscribers {
        let object = Reference::from(subscriber.clone());
        if !objects.contains(&object) && store.get(&object).is_none() {
            context.reflector.unsubscribe(&subscriber);
        }
    }
}

/// The status could not be written. Each object has its own backoff. A failure is told once, in the log and as an Event.
fn after_error<S>(object: Arc<WatchedImage>, error: &WriteError, context: Arc<Context<S>>) -> Action {
    let words = error.to_string();
    let (failures, is_news) = context.memory.count_failed_write(&object.reference(), error.cause(), context.now());
    if is_news {
        let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
        tracing::warn!(namespace, name, error = words, "status not written");
        context.events.put(&object.without_status(), unwritten::note(&words));
    }
    let asked = error.retry_after().unwrap_or_default().min(context.settings.intervals.error_max);
    Action::requeue(context.pause_after(failures).max(asked))
}
