//! The command `run`: builds the controller with all its parts and runs it until SIGTERM.

use crate::aws::Aws;
use crate::clock::Clock;
use crate::describe_image::Region;
use crate::describe_image::image_id::InvalidRegion;
use crate::kubernetes::client;
use crate::kubernetes::controller::{ImageController, Parts};
use crate::kubernetes::identities::grants::Identities;
use crate::kubernetes::leadership::Leadership;
use crate::kubernetes::leadership::lease::{Ended, LeaseSettings};
use crate::kubernetes::leadership::releases;
use crate::process::api::{Api, ApiError};
use crate::process::args::api::InvalidApi;
use crate::process::args::leadership::InvalidLeaseTimes;
use crate::process::args::region::default_region;
use crate::process::args::run::RunArgs;
use crate::process::configuration::{InvalidConfiguration, reload};
use crate::process::exit_code;
use crate::process::http::scrape::Scrapes;
use crate::process::http::{self, Limits, Probes};
use crate::process::lead::{elect, lead};
use crate::process::metrics::{self, AwsCalls};
use crate::process::stderr::remark;
use crate::process::stop;
use crate::process::version::VERSION;
use crate::reflector::Reflector;
use prometheus_client::registry::Registry;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How long the interface answers after the Lease is released. By default, a standby looks every 2 seconds.
const TAKE_OVER: Duration = Duration::from_secs(3);

/// Why the controller did not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot reach the API server: {0}")]
    ApiServer(String),
    #[error("cannot listen on {address} (--listen): {error}")]
    Listen { address: SocketAddr, error: std::io::Error },
    #[error("cannot wait for signals: {0}")]
    Signal(std::io::Error),
    #[error("leadership was lost: another process may lead now")]
    LeadershipLost,
    #[error("the lease could not be reached for {0:?}, so this standby could not take over")]
    LeaseUnreachable(Duration),
    #[error(transparent)]
    Lease(#[from] InvalidLeaseTimes),
    #[error("{file} (--configuration): {error}")]
    Configuration { file: String, error: InvalidConfiguration },
    #[error("{0}; set a region with --region")]
    Region(#[from] InvalidRegion),
    #[error(transparent)]
    ApiFlags(#[from] InvalidApi),
    #[error("the HTTP interface: {0}")]
    Api(#[from] ApiError),
}

/// Exit code 0 after a graceful shutdown, 1 after an error.
pub async fn run(args: RunArgs) -> ExitCode {
    args.log.start();
    match start(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "customimage-operator ended");
            // Also when the filter silences the log.
            if !tracing::enabled!(tracing::Level::ERROR) {
                remark(&error.to_string());
            }
            if matches!(error, StartError::Lease(_) | StartError::ApiFlags(_)) {
                exit_code::USAGE.into()
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

async fn start(args: RunArgs) -> Result<(), StartError> {
    let api = args.api.settings()?;
    let stop = stop::on_signal().map_err(StartError::Signal)?;
    let (listener, address) = listen(args.listen)?;
    let region = default_region(args.mirror.region.0.clone()).await?;
    let client =
        client::connect(&args.cluster.settings()).await.map_err(|error| StartError::ApiServer(error.to_string()))?;

    let mut all_metrics = Registry::default();
    metrics::register_process(&mut all_metrics);
    let registry = all_metrics.sub_registry_with_prefix(metrics::PREFIX);
    let identities = identities(&args, registry)?;
    let calls = AwsCalls::register(registry);
    let aws = Aws::connect(&args.aws.settings(), region.as_ref(), Arc::new(calls)).await;
    let (reflector, changes) = Reflector::new(
        aws.with_budget(args.budget.budget()).with_stack_events(args.mirror.build_logs),
        args.reflector(),
    );
    let api = api.map(|settings| Api::open(settings, client.clone(), registry)).transpose()?;
    let lease = args.leadership.settings(holder(), &args.mirror.namespaces(), api.as_ref().and_then(Api::address))?;
    let (leading, leads) = watch::channel(lease.is_none());
    let parts = Parts {
        client: client.clone(),
        reflector,
        changes,
        identities,
        leadership: Leadership::new(leads, Clock::SYSTEM),
        instance: pod_name(),
        settings: args.controller(region.clone()),
        watch: args.watch.times(),
    };
    let (controller, readiness) = ImageController::new(parts, registry);
    // The probes are answered until the last reconcile has ended.
    let over = CancellationToken::new();
    let scrapes = Arc::new(Scrapes::new(Arc::new(all_metrics)));
    let probes = Probes { scrapes: (!args.api.api_metrics).then(|| scrapes.clone()), readiness };
    let server = tokio::spawn(http::serve(listener, probes, Limits::default(), over.clone()));

    announce(region.as_ref(), address);
    tokio::spawn(tell_other_releases(client.clone(), lease.clone()));
    let (election, leader) = elect(client, lease, leading, over.clone());
    // The interface answers until another replica can lead.
    let gone = CancellationToken::new();
    let api = api.map(|api| tokio::spawn(api.serve(controller.mirror(), leader, scrapes, gone.clone())));
    graceful(lead(controller, election, stop, over, args.shutdown_timeout).await)?;
    let _ = server.await;
    if let Some(api) = api {
        if args.leadership.leader_election {
            sleep(TAKE_OVER).await;
        }
        gone.cancel();
        let _ = api.await;
    }
    tracing::info!("customimage-operator stopped");
    Ok(())
}

/// The process ends with an error unless it was asked to end.
fn graceful(ended: Ended) -> Result<(), StartError> {
    match ended {
        Ended::Lost => Err(StartError::LeadershipLost),
        Ended::Unreachable(time) => Err(StartError::LeaseUnreachable(time)),
        Ended::Stopped => Ok(()),
    }
}

fn announce(region: Option<&Region>, address: SocketAddr) {
    let (version, region) = (VERSION, region.map_or("none", Region::as_str));
    tracing::info!(version, region, listen = %address, "customimage-operator runs");
}

/// Says in the log which other releases watch the same namespaces, as far as this one may know.
async fn tell_other_releases(client: client::Client, lease: Option<LeaseSettings>) {
    let Some(lease) = lease else { return };
    let own = (client.default_namespace(), lease.name.as_str());
    if let Ok(Some(others)) = releases::beside(&client, own, &lease.namespaces, lease.clock.now()).await
        && !others.is_empty()
    {
        let leases = others.join(", ");
        tracing::warn!(leases, "other releases watch the same namespaces: let only one release watch a namespace");
    }
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |error| StartError::Listen { address, error };
    let listener = http::listen(address).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

fn identities(args: &RunArgs, registry: &mut Registry) -> Result<watch::Receiver<Arc<Identities>>, StartError> {
    let file = args.mirror.configuration.0.clone();
    let name = file.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
    reload::start(file, metrics::configuration_valid(registry))
        .map_err(|error| StartError::Configuration { file: name, error })
}

/// A holder identity that no other process has, not even on the same machine.
fn holder() -> String {
    let unique = RandomState::new().build_hasher().finish();
    format!("{}_{unique:016x}", pod_name().unwrap_or_else(|| "customimage-operator".to_owned()))
}

fn pod_name() -> Option<String> {
    std::env::var("POD_NAME").ok().or_else(|| std::env::var("HOSTNAME").ok())
}
