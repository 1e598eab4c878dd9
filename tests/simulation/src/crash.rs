//! The crash enumeration: a fixed script, and a crash of the operator before and after each of its interactions with the world.
//! The final statuses are those without the crash, and there is at most one write of a status more, and one Event.

mod end;

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use serde_json::json;
use simulator::{Action, Build, Event, Outcome, World};
use tokio::time::sleep;

use crate::life::CrashPoint;
use crate::oracle;
use crate::plan::{NAMESPACES, Plan, ami};
use crate::processes::Processes;
use crate::replica::Stage;
use crate::time;
use crate::trace::Trace;
use crate::weather::Sky;
pub use end::End;

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

    /// The reason of Ready in each status at its end.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Build | Self::Region => "ImageAvailable",
            Self::Failure => "BuildFailed",
            Self::Deletion => "Deleted",
        }
    }

    /// How long it is, in seconds: until each status is final. Crashes are before that.
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

/// So long, in seconds, a script goes on after the last crash: a process starts again, waits until the Lease of the one before
/// has ended, and reads everything.
const RECOVERS: f64 = 180.0;

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
    let (mut writes, mut interactions) = (0, 0);
    while time::elapsed() < script.length() + RECOVERS {
        sleep(Duration::from_secs(1)).await;
        processes.look(&stage, false).await;
        writes += stage.api.take_writes().iter().filter(|write| oracle::is_operator(&write.client)).count();
        if time::elapsed() < script.length() {
            interactions = crash.met();
        }
    }
    match trace.failure() {
        Some(failure) => Err(failure),
        None => Ok(End::of(&stage.api, writes, interactions, trace.story(4000))),
    }
}
