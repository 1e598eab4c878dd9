//! An observation as the reflector keeps it: packed, because there may be ten thousand, and compared at each read.

use crate::describe_image::observation::{Ami, Observation, Stack};
use crate::describe_image::response::Tag;
use crate::packed::Packed;
use std::sync::Arc;

/// An observation. Nearly all are of AMIs, and those have many tags.
#[derive(Clone)]
pub enum PackedObservation {
    Ami(Packed<(Ami, Option<Stack>)>),
    Other(Arc<Observation>),
}

impl PackedObservation {
    #[must_use]
    pub fn new(observation: Observation) -> Self {
        match observation {
            Observation::Ami { ami, stack, refused: None } => Self::Ami(Packed::new(&(ami, stack))),
            other => Self::Other(Arc::new(other)),
        }
    }

    /// `None` when it must be read anew.
    #[must_use]
    pub fn unpack(&self) -> Option<Arc<Observation>> {
        match self {
            Self::Ami(packed) => {
                let (ami, stack) = packed.unpack().ok()?;
                Some(Arc::new(Observation::Ami { ami, stack, refused: None }))
            }
            Self::Other(observation) => Some(observation.clone()),
        }
    }

    /// Whether `now` says the same.
    #[must_use]
    pub fn is(&self, now: &Observation) -> bool {
        self.unpack().is_some_and(|before| *before == *now || sorted(&before) == sorted(now))
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
