//! `PackedObservation`: an observation as the reflector stores it. It is packed, because there may be ten thousand. It
//! is compared at each read.

use crate::describe_image::observation::{Ami, Observation, Stack};
use crate::describe_image::response::Tag;
use crate::packed::Packed;
use std::sync::Arc;

/// A stored observation. Only AMIs are packed, because nearly all observations are AMIs, and AMIs have many tags.
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

    /// Returns the observation. `None` if it cannot be unpacked: then the image must be read again.
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

    /// Whether `now` is the same observation, whatever the order of its tags.
    #[must_use]
    pub fn is(&self, now: &Observation) -> bool {
        self.unpack().is_some_and(|before| *before == *now || sorted(&before) == sorted(now))
    }
}

/// The observation with sorted tags, because EC2 guarantees no order of tags.
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
