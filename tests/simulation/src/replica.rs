//! One process of the operator: the real controller, reflector, budget and election, composed as the command `run` composes
//! them. Only the clock and the two transports are those of the simulation.

mod link;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use clap::Parser;
use customimage_operator::aws as operator_aws;
use customimage_operator::describe_image::{Identity, Region};
use customimage_operator::kubernetes::controller::{ImageController, Parts};
use customimage_operator::kubernetes::identities::grants::{Grant, Identities, Namespaces};
use customimage_operator::kubernetes::leadership::Leadership;
use customimage_operator::kubernetes::leadership::lease::{Ended, LeaseSettings};
use customimage_operator::kubernetes::{ControllerSettings, Kept};
use customimage_operator::process::args::run::RunArgs;
use customimage_operator::process::args::{Args, Command};
use customimage_operator::process::lead::{elect, lead};
use customimage_operator::reflector::{Reflector, ReflectorSettings};
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::api_server::ApiServer;
use crate::aws::Aws;
use crate::life::{CrashPoint, Life};
use crate::plan::{NAMESPACES, Plan};
use crate::sdk;
use crate::time;
use crate::trace::Trace;
use crate::weather::Sky;
use link::ReplicaLink;

/// What all processes of a simulation share.
#[derive(Clone)]
pub struct Stage {
    /// Where processes crash, if they do.
    pub crash: Option<Arc<CrashPoint>>,
    pub api: ApiServer,
    pub aws: Aws,
    pub sky: Sky,
    pub trace: Trace,
    pub identities: watch::Receiver<Arc<Identities>>,
    configuration: Arc<watch::Sender<Arc<Identities>>>,
    /// The requests so far that write something else than a Lease.
    write_requests: Arc<AtomicUsize>,
}

impl Stage {
    /// The two worlds of a plan.
    ///
    /// # Errors
    /// If the world of AWS is invalid.
    pub fn new(plan: &Plan, sky: Sky, trace: Trace) -> std::io::Result<Self> {
        let api = ApiServer::new(time::now);
        NAMESPACES.iter().for_each(|name| api.create_namespace(name, &[]));
        let (configuration, identities) = watch::channel(Arc::new(Identities::new([])));
        let aws = Aws::new(plan.world.clone(), trace.clone())?;
        let (configuration, write_requests) = (Arc::new(configuration), Arc::default());
        Ok(Self { crash: None, api, aws, sky, trace, identities, configuration, write_requests })
    }

    /// The requests so far that write something else than a Lease.
    pub fn write_requests(&self) -> usize {
        self.write_requests.load(Ordering::Relaxed)
    }

    /// From now on, only these namespaces may use the operator's identity.
    pub fn allow(&self, namespaces: &[&str]) {
        let namespaces = Namespaces::Named(namespaces.iter().map(ToString::to_string).collect());
        let grant = Grant { identity: Identity::default(), regions: None, namespaces };
        self.configuration.send_replace(Arc::new(Identities::new([grant])));
    }
}

/// A process. Dropping it kills it.
pub struct Replica {
    pub number: usize,
    pub life: u32,
    /// Once it is over, nothing that the process still does arrives anywhere.
    pub alive: Life,
    stop: CancellationToken,
    /// When it was told to end.
    pub told_to_end: Option<f64>,
    task: JoinHandle<Ended>,
    kept: Arc<Mutex<Box<dyn Fn() -> Kept + Send>>>,
}

impl Replica {
    pub fn start(stage: &Stage, number: usize, life: u32) -> Self {
        let (alive, stop) = (Life::new(stage.crash.clone()), CancellationToken::new());
        stage.trace.note(format_args!("replica {number}.{life}"), "starts");
        let nothing: Box<dyn Fn() -> Kept + Send> = Box::new(Kept::default);
        let kept = Arc::new(Mutex::new(nothing));
        let task = tokio::spawn(live(stage.clone(), (number, life), alive.clone(), stop.clone(), kept.clone()));
        Self { number, life, alive, stop, told_to_end: None, task, kept }
    }

    /// Ends it as SIGTERM does.
    pub fn terminate(&mut self) {
        self.told_to_end.get_or_insert_with(time::elapsed);
        self.stop.cancel();
    }

    /// Ends it at once, as SIGKILL does.
    pub fn kill(&self) {
        self.alive.end();
        self.task.abort();
    }

    /// What it keeps for objects.
    pub fn kept(&self) -> Kept {
        (self.kept.lock())()
    }

    /// How it has ended. `None` while it runs.
    ///
    /// # Errors
    /// The words of a panic.
    pub async fn ended(&mut self) -> Option<Result<Ended, String>> {
        if !self.task.is_finished() {
            return None;
        }
        Some((&mut self.task).await.map_err(|error| error.to_string()))
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn live(
    stage: Stage,
    me: (usize, u32),
    alive: Life,
    stop: CancellationToken,
    kept: Arc<Mutex<Box<dyn Fn() -> Kept + Send>>>,
) -> Ended {
    let (number, life) = me;
    let clock = time::clock(number);
    let args = arguments();
    let Stage { sky, trace, write_requests, .. } = stage.clone();
    let link = ReplicaLink { replica: number, sky, life: alive.clone(), trace, write_requests };
    let client = stage.api.client(&format!("{number}.{life}"), Arc::new(link));
    let transport = stage.aws.transport(me, Some(stage.sky.clone()), alive.clone());
    let config = sdk::config(&args.aws.settings(), transport, number);
    let aws = operator_aws::Aws::new(config, Arc::new(operator_aws::IgnoreCalls));
    let (reflector, changes) = Reflector::new(
        aws.with_budget(args.budget.budget()).with_stack_events(true),
        ReflectorSettings { clock, ..args.reflector() },
    );
    let (leading, leads) = watch::channel(false);
    let settings = ControllerSettings { clock, ..args.controller(Region::parse("eu-west-1").ok()) };
    let parts = Parts {
        client: client.clone(),
        reflector,
        changes,
        identities: stage.identities.clone(),
        leadership: Leadership::new(leads, clock),
        instance: Some(format!("operator-{number}")),
        settings,
        watch: args.watch.times(),
    };
    let (controller, _readiness) = ImageController::new(parts, &mut Registry::default());
    *kept.lock() = Box::new(controller.kept());
    let over = CancellationToken::new();
    let lease = args.leadership.settings(format!("operator-{number}.{life}"), &[], None).ok().flatten();
    let lease = lease.map(|settings| LeaseSettings { clock, ..settings });
    let (election, _) = elect(client, lease, leading, over.clone());
    let ended = lead(controller, election, stop, over, args.shutdown_timeout).await;
    // What the process has spawned ends with it.
    alive.end();
    stage.trace.note(format_args!("replica {number}.{life}"), format_args!("ends: {ended:?}"));
    ended
}

/// The defaults of the command line, but for the Lease, which would be most of all requests, and for the time until an image
/// that never existed counts as failed, for which each simulation would have to wait.
const ARGUMENTS: [&str; 10] = [
    "customimage-operator",
    "run",
    "--lease-duration",
    "60s",
    "--lease-renew-deadline",
    "40s",
    "--lease-retry-period",
    "10s",
    "--not-found-grace",
    "20m",
];

static PARSED: LazyLock<RunArgs> = LazyLock::new(|| match Args::parse_from(ARGUMENTS).command {
    Command::Run(args) => *args,
    _ => unreachable!("it is the command run"),
});

pub fn arguments() -> &'static RunArgs {
    &PARSED
}

/// How long a process needs to start again.
pub const RESTART: Duration = Duration::from_secs(3);
