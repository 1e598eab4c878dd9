//! What is known from earlier reads of a scope, and which of two ways of reading is cheaper for it.

use crate::describe_image::image_id::ImageId;
use crate::describe_image::observation::Observation;
use crate::describe_image::source::MAX_IDS;

/// What EC2 puts into a page, and CloudFormation.
const AMIS_A_PAGE: usize = 1000;
const STACKS_A_PAGE: usize = 100;

/// The stacks that an account may have in a region unless it has asked for more.
const STACK_QUOTA: usize = 2000;

/// How much there is in a scope, as far as reading all of it has told: that is what the next such read costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    pub amis: Option<usize>,
    pub stacks: Option<usize>,
}

impl Sizes {
    /// Whether one read of all is fewer calls than `ids` in batches.
    pub(super) fn has_cheap_amis(self, ids: usize) -> bool {
        let all = self.amis.unwrap_or(ids).div_ceil(AMIS_A_PAGE).max(1);
        all < ids.div_ceil(MAX_IDS)
    }

    /// Whether one read of all is fewer calls than `ids` by name.
    pub(super) fn has_cheap_stacks(self, ids: usize) -> bool {
        let all = self.stacks.unwrap_or(STACK_QUOTA).div_ceil(STACKS_A_PAGE).max(1);
        all < ids
    }
}

/// What is known from earlier reads.
pub trait Known: Sync {
    /// Whether many images may share a call; without it each is read on its own, as everybody else does it.
    fn shares_calls(&self) -> bool {
        true
    }
    /// Whether a disabled AMI is an answer; the official program does not see it.
    fn counts_disabled(&self) -> bool {
        true
    }
    fn sizes(&self) -> Sizes;
    /// Whether somebody still wants the image: a long read need not go on for what nobody shows any more.
    fn is_wanted(&self, _: &ImageId) -> bool {
        true
    }
    /// What was last observed of the image.
    fn last(&self, id: &ImageId) -> Option<Observation>;
}

/// For a process that reads once.
pub struct Nothing;

impl Known for Nothing {
    fn sizes(&self) -> Sizes {
        Sizes::default()
    }
    fn last(&self, _: &ImageId) -> Option<Observation> {
        None
    }
}

/// For a process that reads once, and sees what the official program sees.
pub struct Official;

impl Known for Official {
    fn counts_disabled(&self) -> bool {
        false
    }
    fn sizes(&self) -> Sizes {
        Sizes::default()
    }
    fn last(&self, _: &ImageId) -> Option<Observation> {
        None
    }
}
