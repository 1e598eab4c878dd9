//! `run`: the controller with all that it needs, from start to SIGTERM.

use crate::aws::Aws;
use crate::describe_image::Region;
use crate::kubernetes::controller::gauges::Fleet;
use crate::kubernetes::identities::accounts::Accounts;
use crate::kubernetes::identities::grants::Identities;
use crate::kubernetes::identities::namespaces::NamespaceLabels;
use crate::kubernetes::index::Index;
use crate::kubernetes::leadership::Leading;
use crate::kubernetes::leadership::lease::{Election, Ended, LeaseSettings};
use crate::kubernetes::metrics::Meter;
use crate::kubernetes::reconcile::context::Context;
use crate::kubernetes::reconcile::events::EventQueue;
use crate::kubernetes::reconcile::memory::Memory;
use crate::kubernetes::reconcile::pace::Pace;
use crate::kubernetes::watch::readiness::Readiness;
use crate::kubernetes::{client, controller};
use crate::process::args::leadership::InvalidLeaseTimes;
use crate::process::args::region::default_region;
use crate::process::args::run::RunArgs;
use crate::process::configuration::{InvalidConfiguration, reload};
use crate::process::http::{self, Probes, Refresh};
use crate::process::metrics::AwsCalls;
use crate::reflector::{Changed, Reflector};
use futures::channel::mpsc;
use jiff::Timestamp;
use prometheus_client::registry::Registry;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Why the controller did not start, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot reach the API server: {0}; set KUBECONFIG, or run in a pod with a ServiceAccount")]
    ApiServer(String),
    #[error("cannot listen on {address} (--listen): {error}")]
    Listen { address: SocketAddr, error: std::io::Error },
    #[error("cannot wait for signals: {0}")]
    Signal(std::io::Error),
    #[error("leadership was lost: another process may act now")]
    LeadershipLost,
    #[error(transparent)]
    Lease(#[from] InvalidLeaseTimes),
    #[error("{file} (--configuration): {error}")]
    Configuration { file: String, error: InvalidConfiguration },
    #[error("{0}; name a region with --region")]
    Region(#[from] crate::describe_image::image_id::InvalidRegion),
}

/// Exit 0 after a graceful shutdown.
pub async fn run(args: RunArgs) -> ExitCode {
    args.log.start();
    match start(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "customimage-operator ended");
            ExitCode::FAILURE
        }
    }
}

async fn start(args: RunArgs) -> Result<(), StartError> {
    let stop = stop_on_signal()?;
    let (listener, address) = listen(args.listen).await?;
    let region = default_region(args.mirror.region.0.clone()).await?;
    let client = client::connect().await.map_err(|error| StartError::ApiServer(error.to_string()))?;

    let mut registry = Registry::with_prefix("customimage");
    let meter = Meter::default();
    meter.register(&mut registry);
    let identities = identities(&args, &meter)?;
    let calls = AwsCalls::register(&mut registry);
    let aws = Aws::connect(&args.aws.settings(), region.as_ref(), Arc::new(calls)).await;
    let aws = aws.with_budget(args.budget.budget());

    let (store, writer) = controller::object_store();
    let lease = args.leadership.settings(holder(), &args.mirror.namespaces())?;
    let (leading_sender, told) = watch::channel(lease.is_none());
    let leading = Leading::new(told);
    let (events, publishing) = EventQueue::start(client.clone(), pod_name(), args.write_timeout);
    let (observer, changed) = Reflector::new(aws, args.reflector());
    let context = Arc::new(Context {
        events,
        client: client.clone(),
        observer,
        index: Index::default(),
        showing: std::sync::Mutex::default(),
        memory: Memory::default(),
        accounts: Accounts::default(),
        meter,
        pace: Pace::default(),
        settings: args.controller(region.clone()),
        identities,
        namespaces: NamespaceLabels::default(),
        leading,
    });
    let fleet = Fleet { store: store.clone(), context: Arc::downgrade(&context) };
    let (readiness_sender, readiness) = watch::channel::<Readiness>(Err("listing customimages".to_owned()));
    let refresh: Refresh = Arc::new(move || fleet.count(Timestamp::now()));
    // Readiness is told until the last reconcile is over.
    let over = CancellationToken::new();
    tokio::spawn(refresh_in_time(refresh.clone(), over.clone()));
    let probes = Probes { registry: Arc::new(registry), readiness, refresh };
    let server = tokio::spawn(http::serve(listener, probes, over.clone()));

    announce(region.as_ref(), address);
    let running = Running {
        context,
        objects: (store, writer),
        changed,
        readiness: readiness_sender,
        leading: leading_sender,
        publishing,
        over,
    };
    lead(running, client, lease, stop, args.shutdown_timeout).await?;
    let _ = server.await;
    tracing::info!("customimage-operator stopped");
    Ok(())
}

fn announce(region: Option<&Region>, address: SocketAddr) {
    let (version, region) = (env!("CARGO_PKG_VERSION"), region.map_or("none", Region::as_str));
    tracing::info!(version, region, listen = %address, "customimage-operator runs");
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |error| StartError::Listen { address, error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// What reconciles, and what is told when the last of it is over.
struct Running {
    context: Arc<Context<Reflector<Aws>>>,
    objects: controller::ObjectStore,
    changed: mpsc::UnboundedReceiver<Changed>,
    readiness: watch::Sender<Readiness>,
    leading: watch::Sender<bool>,
    publishing: JoinHandle<()>,
    over: CancellationToken,
}

/// Runs the controller until `stop`, reconciling while this process leads.
async fn lead(
    running: Running,
    client: client::Client,
    lease: Option<LeaseSettings>,
    stop: CancellationToken,
    grace: Duration,
) -> Result<(), StartError> {
    let Running { context, objects, changed, readiness, leading, publishing, over } = running;
    let election = elect(client, lease, leading, over.clone());
    let controller = controller::run(context, objects, changed, readiness, stop.clone());
    let work = async {
        let told = async {
            controller.await;
            // The last queue handle went with the controller: what happened last is told too.
            let _ = publishing.await;
        };
        within(told, &stop, grace).await;
        // Only now may another lead.
        over.cancel();
    };
    tokio::pin!(election);
    tokio::select! {
        () = work => { let _ = election.await; }
        // What is under way must not be written any more.
        ended = &mut election => if ended == Ended::Lost { return Err(StartError::LeadershipLost) },
    }
    Ok(())
}

/// What has gone is forgotten when the gauges are set: also when nobody reads them.
async fn refresh_in_time(refresh: Refresh, over: CancellationToken) {
    let mut minutes = tokio::time::interval(Duration::from_secs(300));
    while over.run_until_cancelled(minutes.tick()).await.is_some() {
        refresh();
    }
}

fn identities(args: &RunArgs, meter: &Meter) -> Result<watch::Receiver<Arc<Identities>>, StartError> {
    let file = args.mirror.configuration.0.clone();
    let named = file.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
    reload::start(file, meter.configuration_valid.clone())
        .map_err(|error| StartError::Configuration { file: named, error })
}

/// Leads at once without a lease; else as long as the lease is held, until `stop`.
async fn elect(
    client: client::Client,
    lease: Option<LeaseSettings>,
    leading: watch::Sender<bool>,
    stop: CancellationToken,
) -> Ended {
    match lease {
        Some(settings) => Election::new(client, settings).run(leading, stop).await,
        None => {
            stop.cancelled().await;
            Ended::Stopped
        }
    }
}

/// A name that no other process has, also on the same machine.
fn holder() -> String {
    let unique = RandomState::new().build_hasher().finish();
    format!("{}_{unique:016x}", pod_name().unwrap_or_else(|| "customimage-operator".to_owned()))
}

fn pod_name() -> Option<String> {
    std::env::var("POD_NAME").ok().or_else(|| std::env::var("HOSTNAME").ok())
}

fn stop_on_signal() -> Result<CancellationToken, StartError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(StartError::Signal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(StartError::Signal)?;
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("stopping");
        told.cancel();
    });
    Ok(stop)
}

/// Waits for `work`, but not longer than `grace` once `stop` was called.
async fn within(work: impl Future<Output = ()>, stop: &CancellationToken, grace: Duration) {
    let too_long = async {
        stop.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        () = work => {}
        () = too_long => tracing::warn!(?grace, "stopped with reconciles under way"),
    }
}
