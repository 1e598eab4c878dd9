//! The steps of a build and their times, for each outcome.

use std::sync::LazyLock;

use super::log::Chapter;
use super::stack_events::{Change, Wave};
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
    /// Events of the stack's other resources.
    Resources(Wave, Change),
    /// Lines of the build's log.
    Log(Chapter),
}

const fn step(at: f64, what: What) -> Step {
    Step { at, what }
}

const BEGINNING: [Step; 8] = [
    step(0.0, What::StackCreated),
    step(0.03, What::ImageBuilder("PENDING")),
    step(0.06, What::ImageBuilder("CREATING")),
    step(0.10, What::ImageBuilder("BUILDING")),
    step(0.12, What::Log(Chapter::Launch)),
    step(0.14, What::Log(Chapter::Components)),
    step(0.18, What::Log(Chapter::System)),
    step(0.22, What::Log(Chapter::Configure)),
];

const COMPONENT: [Step; 2] = [step(0.30, What::Log(Chapter::Cookbooks)), step(0.40, What::Log(Chapter::Install))];

const TESTED: [Step; 5] = [
    step(0.55, What::Log(Chapter::Installed)),
    step(0.60, What::ImageBuilder("TESTING")),
    step(0.65, What::Log(Chapter::Test)),
    step(0.70, What::Log(Chapter::Tag)),
    step(0.80, What::ImageBuilder("DISTRIBUTING")),
];

const BUILT: [Step; 3] = [
    step(0.85, What::Log(Chapter::Distribute)),
    step(0.90, What::ImageAvailable),
    step(0.93, What::Stack("CREATE_COMPLETE")),
];

const TAGGED: Step = step(0.94, What::Tagged);
const DELETING: Step = step(0.95, What::Stack("DELETE_IN_PROGRESS"));

/// When the resources of each wave begin to be created, are being created, and are there.
const CREATION: [(Wave, [f64; 3]); 4] = [
    (Wave::First, [0.002, 0.004, 0.009]),
    (Wave::Second, [0.010, 0.012, 0.017]),
    (Wave::Third, [0.018, 0.020, 0.025]),
    (Wave::Image, [0.027, f64::NAN, f64::NAN]),
];

/// The plans without and with a rollback, in the order of the outcomes.
static PLANS: LazyLock<Vec<[Vec<Step>; 2]>> =
    LazyLock::new(|| Outcome::ALL.map(|outcome| [false, true].map(|rolls_back| plan(outcome, rolls_back))).into());

pub fn steps(build: &Build) -> &'static [Step] {
    &PLANS[build.outcome as usize][usize::from(build.rolls_back())]
}

fn plan(outcome: Outcome, rolls_back: bool) -> Vec<Step> {
    let mut steps = BEGINNING.to_vec();
    let created = |(wave, times): (Wave, [f64; 3])| {
        let changes = [Change::Begins, Change::IsCreated, Change::IsThere];
        let steps = changes.into_iter().zip(times).filter(|(_, at)| !at.is_nan());
        steps.map(move |(change, at)| step(at, What::Resources(wave, change)))
    };
    steps.extend(CREATION.into_iter().flat_map(created));
    match outcome {
        Outcome::Available | Outcome::Orphan | Outcome::Leak => steps.extend(finished(outcome)),
        Outcome::Stuck => {}
        _ => steps.extend(failed(outcome, rolls_back)),
    }
    steps.retain(|step| is_told(outcome, step.what));
    steps.sort_by(|a, b| a.at.total_cmp(&b.at));
    steps
}

/// A build without an instance has no log. One whose SSM agent does not answer says nothing of components.
fn is_told(outcome: Outcome, what: What) -> bool {
    match (outcome, what) {
        (Outcome::Quota, What::Log(_)) => false,
        (Outcome::Ssm, What::Log(chapter)) => matches!(chapter, Chapter::Launch | Chapter::Failure),
        _ => true,
    }
}

fn finished(outcome: Outcome) -> Vec<Step> {
    let mut steps = [COMPONENT.as_slice(), &TESTED, &BUILT, &[DELETING]].concat();
    if outcome != Outcome::Orphan {
        steps.push(TAGGED);
    }
    let is_leak = outcome == Outcome::Leak;
    steps.extend(deleted(0.951, 0.999, is_leak));
    steps.push(step(1.0, if is_leak { What::StackFailed("DELETE_FAILED") } else { What::StackDeleted }));
    steps
}

fn failed(outcome: Outcome, rolls_back: bool) -> Vec<Step> {
    let (at, status) = match outcome {
        Outcome::Quota => (0.12, "FAILED"),
        Outcome::Ssm => (0.40, "FAILED"),
        Outcome::Distribution => (0.84, "FAILED"),
        Outcome::Cancelled => (0.80, "CANCELLED"),
        _ => (0.80, "FAILED"),
    };
    let mut steps = match outcome {
        Outcome::Ssm | Outcome::Quota => Vec::new(),
        Outcome::Distribution => [COMPONENT.as_slice(), &TESTED].concat(),
        _ => COMPONENT.to_vec(),
    };
    steps.push(step(at, What::Log(Chapter::Failure)));
    steps.push(step(at, What::ImageFailed(status)));
    if rolls_back {
        steps.push(step(0.85, What::StackFailed("ROLLBACK_IN_PROGRESS")));
        steps.extend(deleted(0.86, 0.99, false));
        steps.push(step(1.0, What::Stack("ROLLBACK_COMPLETE")));
    } else {
        steps.push(step(1.0, What::StackFailed("CREATE_FAILED")));
    }
    steps
}

/// The deletion of all resources, in the opposite order of their creation. Of a leak, a resource cannot be deleted.
fn deleted(from: f64, until: f64, is_leak: bool) -> Vec<Step> {
    let waves = [Wave::Image, Wave::Third, Wave::Second, Wave::First];
    let each = (until - from) / 8.0;
    let mut at = from;
    let mut steps = Vec::new();
    for wave in waves {
        let end = if is_leak && wave == Wave::First { Change::IsLeaked } else { Change::IsGone };
        for change in [Change::Leaves, end] {
            steps.push(step(at, What::Resources(wave, change)));
            at += each;
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plans_are_in_the_order_of_the_outcomes() {
        let places = Outcome::ALL.map(|outcome| outcome as usize);
        assert!(places.into_iter().eq(0..places.len()));
    }

    #[test]
    fn every_outcome_has_a_plan_in_order_of_time_that_begins_with_its_stack() {
        for outcome in Outcome::ALL {
            for rollback in [false, true] {
                let build = Build { outcome, rollback, ..Build::default() };
                let steps = steps(&build);
                assert!(matches!(steps[0].what, What::StackCreated), "{outcome:?}");
                assert!(steps.is_sorted_by_key(|step| step.at) && steps.iter().all(|step| step.at <= 1.0));
            }
        }
    }
}
