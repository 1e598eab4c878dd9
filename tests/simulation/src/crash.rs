//! The crash enumeration: a fixed script, and a crash of the operator before and after each of its interactions with the world.
//! The final statuses are those without the crash, and there is at most one write more.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use simulator::{Action, Build, Event, Outcome, World};
use tokio::time::sleep;

use crate::api_server::Resource;
use crate::life::CrashPoint;
use crate::oracle;
use crate::plan::{NAMESPACES, Plan, ami};
use crate::processes::Processes;
use crate::replica::Stage;
use crate::time;
use crate::trace::Trace;
use crate::weather::Sky;

const REGION: &str = "eu-west-1";

/// What happens to the images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Script {
    /// A build, from nothing to the AMI.
    Build,
    /// A build that fails.
    Failure,
    /// An AMI that is deleted.
    Deletion,
    /// A region of three hundred images.
    Region,
}

impl Script {
    pub const ALL: [Self; 4] = [Self::Build, Self::Failure, Self::Deletion, Self::Region];

    /// How long it is, in seconds: until each status is final.
    fn length(self) -> f64 {
        match self {
            Self::Build | Self::Failure => 1200.0,
            Self::Deletion => 900.0,
            Self::Region => 300.0,
        }
    }

    fn world(self) -> World {
        let mut world = World::default();
        let build = |outcome| Build {
            image_id: "img-0".into(),
            region: REGION.into(),
            outcome,
            starts_after: 20.0,
            seconds: 300.0,
            ..Build::default()
        };
        match self {
            Self::Build => world.builds.push(build(Outcome::Available)),
            Self::Failure => world.builds.push(build(Outcome::Component)),
            Self::Deletion => {
                world.images.push(ami("img-0", REGION, "ami-0", "available"));
                world.timeline.push(Event { at: 120.0, action: Action::DeleteImage("ami-0".into()) });
            }
            Self::Region => {
                world.images.extend(self.ids().map(|id| ami(&id, REGION, &format!("ami-{id}"), "available")));
            }
        }
        world
    }

    fn ids(self) -> impl Iterator<Item = String> {
        (0..if self == Self::Region { 300 } else { 1 }).map(|number| format!("img-{number}"))
    }
}

impl Display for Script {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().as_ref().map_or("", PossibleValue::get_name))
    }
}

/// What a script came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// The statuses without their times, by namespace and name.
    pub statuses: Vec<Value>,
    /// How many statuses the operator has changed.
    pub writes: usize,
    pub interactions: u64,
    /// How one process after the other has lived.
    pub trace: String,
}

/// Runs a script, with a crash at `at`, before or after the interaction. It needs a runtime of one thread with a paused clock.
///
/// # Errors
/// If the world is invalid, or something panics.
pub async fn run(script: Script, at: u64, is_after: bool) -> Result<End, String> {
    time::begin();
    fastrand::seed(1);
    let trace = Trace::default();
    let plan = Plan { world: script.world(), turns: Vec::new(), latency: Duration::ZERO, calm_from: 0.0 };
    let crash = Arc::new(CrashPoint::new(at, is_after));
    let mut stage = Stage::new(&plan, Sky::new(0, Duration::ZERO), trace.clone()).map_err(|error| error.to_string())?;
    stage.crash = Some(crash.clone());
    for id in script.ids() {
        let _ = stage.api.create_image(NAMESPACES[0], &id, json!({"imageId": id, "region": REGION}));
    }
    let mut processes = Processes::start(&stage, 1);
    let mut writes = 0;
    while time::elapsed() < script.length() {
        sleep(Duration::from_secs(1)).await;
        processes.look(&stage, false).await;
        let done = stage.api.take_writes();
        writes += done.iter().filter(|write| write.has_changed && oracle::is_operator(&write.client)).count();
    }
    let statuses = stage.api.objects(Resource::CustomImage).iter().map(|object| timeless(&object["status"])).collect();
    match trace.failure() {
        Some(failure) => Err(failure),
        None => Ok(End { statuses, writes, interactions: crash.met(), trace: trace.story(4000) }),
    }
}

/// A status without its times: those of a build are the moments at which the operator has seen it begin and end.
fn timeless(status: &Value) -> Value {
    const TIMES: [&str; 3] = ["lastTransitionTime", "observedAt", "durationSeconds"];
    match status {
        // A message may say when something will be.
        Value::String(text) => Value::String(without_times(text)),
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| !TIMES.contains(&name.as_str()));
            Value::Object(kept.map(|(name, value)| (name.clone(), timeless(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(timeless).collect()),
        other => other.clone(),
    }
}

/// The words of a text without those that begin like a time, `2027-01-15T08:20:00Z`.
fn without_times(text: &str) -> String {
    let is_time = |word: &&str| word.len() >= 20 && word.as_bytes()[4] == b'-' && word.as_bytes()[10] == b'T';
    text.split(' ').filter(|word| !is_time(word)).collect::<Vec<_>>().join(" ")
}
