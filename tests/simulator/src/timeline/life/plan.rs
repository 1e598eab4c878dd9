//! The steps of a build and their times, for each outcome.

use crate::world::{Build, Outcome};

/// A step, and its time as a share of the build's seconds.
#[derive(Clone, Copy)]
pub struct Step {
    pub at: f64,
    pub what: What,
}

#[derive(Clone, Copy)]
pub enum What {
    StackCreated,
    ImageBuilder(&'static str),
    /// Image Builder is AVAILABLE, and the AMI exists.
    ImageAvailable,
    ImageFailed(&'static str),
    Tagged,
    Stack(&'static str),
    StackFailed(&'static str),
    StackDeleted,
}

const fn step(at: f64, what: What) -> Step {
    Step { at, what }
}

const BEGINNING: [Step; 4] = [
    step(0.0, What::StackCreated),
    step(0.03, What::ImageBuilder("PENDING")),
    step(0.06, What::ImageBuilder("CREATING")),
    step(0.10, What::ImageBuilder("BUILDING")),
];

const TESTING: Step = step(0.60, What::ImageBuilder("TESTING"));
const DISTRIBUTING: Step = step(0.80, What::ImageBuilder("DISTRIBUTING"));
const BUILT: Step = step(0.90, What::ImageAvailable);
const COMPLETE: Step = step(0.93, What::Stack("CREATE_COMPLETE"));
const TAGGED: Step = step(0.94, What::Tagged);
const DELETING: Step = step(0.95, What::Stack("DELETE_IN_PROGRESS"));

const AVAILABLE: [Step; 11] =
    joined([TESTING, DISTRIBUTING, BUILT, COMPLETE, TAGGED, DELETING, step(1.0, What::StackDeleted)]);
const ORPHAN: [Step; 10] = joined([TESTING, DISTRIBUTING, BUILT, COMPLETE, DELETING, step(1.0, What::StackDeleted)]);
const LEAK: [Step; 11] =
    joined([TESTING, DISTRIBUTING, BUILT, COMPLETE, TAGGED, DELETING, step(1.0, What::StackFailed("DELETE_FAILED"))]);
const FAILED: [Step; 6] =
    joined([step(0.80, What::ImageFailed("FAILED")), step(1.0, What::StackFailed("CREATE_FAILED"))]);
const CANCELLED: [Step; 6] =
    joined([step(0.80, What::ImageFailed("CANCELLED")), step(1.0, What::StackFailed("CREATE_FAILED"))]);
const ROLLED_BACK: [Step; 7] = joined([
    step(0.80, What::ImageFailed("FAILED")),
    step(0.85, What::StackFailed("ROLLBACK_IN_PROGRESS")),
    step(1.0, What::Stack("ROLLBACK_COMPLETE")),
]);

const fn joined<const END: usize, const ALL: usize>(end: [Step; END]) -> [Step; ALL] {
    let mut all = [BEGINNING[0]; ALL];
    let mut index = 0;
    while index < ALL {
        all[index] = if index < BEGINNING.len() { BEGINNING[index] } else { end[index - BEGINNING.len()] };
        index += 1;
    }
    all
}

pub fn steps(build: &Build) -> &'static [Step] {
    match build.outcome {
        Outcome::Available => &AVAILABLE,
        Outcome::Failed => &FAILED,
        Outcome::RolledBack => &ROLLED_BACK,
        Outcome::Cancelled => &CANCELLED,
        Outcome::Orphan => &ORPHAN,
        Outcome::Leak => &LEAK,
        Outcome::Stuck => &BEGINNING,
    }
}
