//! One simulation, from the seed to the verdict.

use std::time::Duration;
use tokio::time::sleep;

use crate::api_server::{Resource, Snapshot};
use crate::life::Life;
use crate::oracle::{self, Orders, Steady, Truth, Writers};
use crate::plan::{Plan, Turn};
use crate::processes::Processes;
use crate::replica::{Stage, arguments};
use crate::sdk;
use crate::time::{self, REPLICAS};
use crate::trace::Trace;
use crate::weather::{Sky, Weather};

/// How often the oracles look.
const STEP: Duration = Duration::from_secs(1);

/// After the last fault, every status is right within this time, in seconds: the longest backoff of a read, of a write and of
/// a contest with another writer, one comparison with the API server, and the longest period after which a status changes by
/// itself (half an hour until a build without an AMI is orphaned).
const CONVERGES: f64 = 1800.0 + 4.0 * 660.0;

/// Then nothing is written for so long: ten intervals of settled images.
const QUIET: f64 = 10.0 * 660.0;

/// After the last fault, no process ends any more once this time has passed, in seconds.
const SETTLED: f64 = 600.0;

/// After the last object is deleted, nothing is kept of it for longer than this.
const FORGETS: f64 = 180.0;

/// The result of a simulation.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What went wrong first. `None` if nothing did.
    pub failure: Option<String>,
    /// How long it was, in virtual seconds.
    pub seconds: f64,
    pub calls: usize,
    /// How many statuses the operator has changed.
    pub writes: usize,
    /// The same seed has the same digest.
    pub digest: u64,
    pub trace: Trace,
}

/// Runs the simulation of `seed` with so many hours of faults. It needs a runtime of one thread with a paused clock.
pub async fn simulate(seed: u64, hours: f64) -> Verdict {
    time::begin();
    fastrand::seed(seed);
    let trace = Trace::default();
    let plan = Plan::of(seed, hours);
    match Simulation::new(&plan, seed, trace.clone()) {
        Ok(mut simulation) => {
            simulation.run(plan).await;
            simulation.verdict()
        }
        Err(error) => {
            trace.fail("plan", error);
            Verdict { failure: trace.failure(), seconds: 0.0, calls: 0, writes: 0, digest: 0, trace }
        }
    }
}

struct Simulation {
    stage: Stage,
    processes: Processes,
    writers: Writers,
    truth: Truth,
    orders: Orders,
    steady: Steady,
    /// When nothing happens any more.
    calm_from: f64,
    /// When the oracles look at all objects again.
    next_ages: f64,
    writes: usize,
    backup: Option<Snapshot>,
    crd_back_at: Option<f64>,
}

impl Simulation {
    fn new(plan: &Plan, seed: u64, trace: Trace) -> std::io::Result<Self> {
        let stage = Stage::new(plan, Sky::new(seed ^ 0x5eed, plan.latency), trace)?;
        let processes = Processes::start(&stage, REPLICAS);
        Ok(Self {
            stage,
            processes,
            writers: Writers::default(),
            truth: Truth::default(),
            orders: Orders::default(),
            steady: Steady::default(),
            calm_from: plan.calm_from,
            next_ages: 0.0,
            writes: 0,
            backup: None,
            crd_back_at: None,
        })
    }

    async fn run(&mut self, plan: Plan) {
        for (at, turn) in plan.turns {
            self.until(at).await;
            if self.has_failed() {
                return;
            }
            self.take(turn);
        }
        self.stage.sky.set(Weather::default());
        self.until(plan.calm_from + CONVERGES).await;
        self.converges().await;
        self.is_quiet().await;
        oracle::check_budget(&self.stage.aws, &self.stage.trace);
        self.forgets().await;
    }

    fn take(&mut self, turn: Turn) {
        let Stage { api, sky, trace, .. } = &self.stage;
        trace.note("plan", format_args!("{turn:?}"));
        match turn {
            Turn::Weather(weather) => sky.set(weather),
            Turn::Allow(namespaces) => {
                self.stage.allow(&namespaces);
                self.orders.allow(namespaces);
            }
            Turn::Forget(time) => sky.forget_amis(time),
            Turn::Repeat(time) => sky.repeat_entries(time),
            Turn::Crash(replica) => self.processes.kill(replica),
            Turn::Restart(replica) => self.processes.terminate(replica),
            Turn::Skew(replica, seconds) => {
                time::set_skew(replica, seconds);
                self.truth.set_clock(seconds);
            }
            Turn::Drift(replica, seconds) => time::set_drift(replica, seconds),
            Turn::User(deed) => deed.apply(api),
            Turn::Backup => self.backup = Some(api.snapshot()),
            Turn::SetBack => {
                if let Some(backup) = self.backup.take() {
                    api.restore(&backup);
                    self.steady.disturb();
                    self.truth.set_back();
                }
            }
            Turn::Compact => api.forget_history(),
            Turn::CrdGone(time) => {
                api.remove_crd();
                self.crd_back_at = Some(time::elapsed() + time.as_secs_f64());
            }
        }
    }

    /// Lets the time pass, and looks at what happens.
    async fn until(&mut self, at: f64) {
        while time::elapsed() < at && !self.has_failed() {
            let left = Duration::from_secs_f64((at - time::elapsed()).max(0.001));
            sleep(STEP.min(left)).await;
            self.look().await;
        }
    }

    async fn look(&mut self) {
        if self.crd_back_at.take_if(|back| *back <= time::elapsed()).is_some() {
            self.stage.api.restore_crd();
        }
        self.stage.aws.look();
        self.check_writes();
        self.check_ages();
        let is_calm = time::elapsed() > self.calm_from + SETTLED;
        self.processes.look(&self.stage, is_calm).await;
    }

    fn check_writes(&mut self) {
        let Stage { api, aws, trace, .. } = &self.stage;
        let mut of_leases = api.take_lease_writes().into_iter().peekable();
        let writes = api.take_writes();
        for write in &writes {
            while let Some(before) = of_leases.next_if(|lease| lease.at <= write.at) {
                self.writers.lease(&before, trace);
            }
            let (namespace, name) = (&write.namespace, &write.name);
            trace.note(&write.client, format_args!("status of {namespace}/{name}: {} → {}", write.before, write.after));
            self.writes += usize::from(write.has_changed && oracle::is_operator(&write.client));
            self.writers.status(write, trace);
            self.truth.check(write, self.steady.since(), aws, trace);
        }
        of_leases.for_each(|write| self.writers.lease(&write, trace));
    }

    /// Once a minute.
    fn check_ages(&mut self) {
        let (now, Stage { api, aws, sky, trace, .. }) = (time::elapsed(), &self.stage);
        let can_work =
            |replica| sky.is_fair_in_cluster(replica) && self.processes.runs(replica) && self.crd_back_at.is_none();
        self.steady.look(self.writers.leader(), can_work);
        if now >= self.next_ages {
            self.next_ages = now + 60.0;
            for object in api.objects(Resource::CustomImage) {
                let undisturbed = self.steady.since().max(self.truth.disturbed(&object));
                self.truth.check_age(&object, undisturbed, aws, trace);
                self.orders.check(&object, undisturbed, trace);
            }
        }
    }

    async fn converges(&self) {
        let Stage { api, aws, trace, .. } = &self.stage;
        if !self.has_failed() {
            let config = sdk::config(&arguments().aws.settings(), aws.transport((0, 0), None, Life::new(None)), 0);
            oracle::check_convergence(&api.objects(Resource::CustomImage), &config, &aws.facts(), trace).await;
        }
    }

    async fn is_quiet(&mut self) {
        let before = self.stage.write_requests();
        self.until(time::elapsed() + QUIET).await;
        oracle::check_quiet(self.stage.write_requests() - before, &self.stage.trace);
    }

    /// Deletes all objects. Then the operator keeps nothing of them.
    async fn forgets(&mut self) {
        if self.has_failed() {
            return;
        }
        for object in self.stage.api.objects(Resource::CustomImage) {
            let field = |name: &str| object["metadata"][name].as_str().unwrap_or_default();
            self.stage.api.delete_image(field("namespace"), field("name"));
        }
        self.until(time::elapsed() + FORGETS).await;
        for replica in self.processes.iter() {
            oracle::check_forgotten(replica.number, replica.kept(), &self.stage.trace);
        }
    }

    fn has_failed(&self) -> bool {
        self.stage.trace.failure().is_some()
    }

    fn verdict(self) -> Verdict {
        let trace = self.stage.trace.clone();
        Verdict {
            failure: trace.failure(),
            seconds: time::elapsed(),
            calls: self.stage.aws.calls(<[_]>::len),
            writes: self.writes,
            digest: trace.digest(),
            trace,
        }
    }
}
