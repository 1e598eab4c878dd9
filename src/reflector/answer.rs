//! How answers are kept: ten thousand of them, compared at each read and seldom looked at.

use crate::describe_image::observation::{Ami, Stack};
use crate::describe_image::observe::{ObserveError, Step};
use crate::describe_image::response::Tag;
use crate::describe_image::{ImageId, Observation, SourceError, SourceErrorKind};
use crate::packed::Packed;
use crate::reflector::reading::Reading;
use std::sync::Arc;

/// An observation. Nearly all are of AMIs, and those have many tags.
#[derive(Clone)]
pub enum Kept {
    Ami(Packed<(Ami, Option<Stack>)>),
    Other(Arc<Observation>),
}

impl Kept {
    pub fn new(observation: Observation) -> Self {
        match observation {
            Observation::Ami { ami, stack, refused: None } => Self::Ami(Packed::new(&(ami, stack))),
            other => Self::Other(Arc::new(other)),
        }
    }

    /// `None` when it must be read anew.
    pub fn observation(&self) -> Option<Arc<Observation>> {
        match self {
            Self::Ami(packed) => {
                let (ami, stack) = packed.unpack().ok()?;
                Some(Arc::new(Observation::Ami { ami, stack, refused: None }))
            }
            Self::Other(observation) => Some(observation.clone()),
        }
    }

    pub fn unpacked(reading: &Reading<Self>) -> Option<Reading> {
        let Reading { answer, at, answered_at, failing_since, pause, interval } = reading;
        let answer = match answer {
            Ok(kept) => Ok(kept.observation()?),
            Err(error) => Err(error.clone()),
        };
        let (at, answered_at, failing_since) = (*at, *answered_at, *failing_since);
        Some(Reading { answer, at, answered_at, failing_since, pause: *pause, interval: *interval })
    }

    fn is(&self, now: &Observation) -> bool {
        self.observation().is_some_and(|before| *before == *now || sorted(&before) == sorted(now))
    }
}

pub fn is_same(before: &Result<Kept, ObserveError>, now: &Result<Observation, ObserveError>) -> bool {
    match (before, now) {
        (Ok(before), Ok(now)) => before.is(now),
        (Err(before), Err(now)) => before.source_error.is_as(&now.source_error),
        _ => false,
    }
}

/// EC2 promises no order of tags.
fn sorted(observation: &Observation) -> Observation {
    let mut sorted = observation.clone();
    let sort = |tags: &mut Vec<Tag>| tags.sort();
    match &mut sorted {
        Observation::Ami { ami, stack, refused: _ } => {
            sort(&mut ami.tags);
            stack.iter_mut().for_each(|stack| sort(&mut stack.tags));
        }
        Observation::Stack { stack, image_build: _, refused: _ } => sort(&mut stack.tags),
        Observation::Absent { .. } => {}
    }
    sorted
}

/// The read waits for its turn: AWS has not answered, and has not refused either.
pub fn unanswered(id: &ImageId) -> ObserveError {
    let message = "the read waits for the operator's share of AWS's limits (the budget)".to_owned();
    let source_error = SourceError { kind: SourceErrorKind::Throttled, action: "describeImage", message, fix: None };
    ObserveError { image_id: id.clone(), step: Step::Image, source_error }
}
