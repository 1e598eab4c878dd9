//! How a scope is read: image by image, many images a call, or all there is. Whichever takes the fewest calls.

use crate::describe_image::image_id::ImageId;
use crate::describe_image::observation::Observation;
use crate::describe_image::source::{AMIS_PER_PAGE, MAX_IDS, Priority, STACKS_PER_PAGE};

/// The stacks that an account may have in a region unless it has asked for more.
const STACK_QUOTA: usize = 2000;

/// How a read is done.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub priority: Priority,
    /// Whether many images may share a call. Without it each is read on its own, as everybody else does it.
    pub batching: bool,
    /// Whether a disabled AMI is an answer. The official program does not see it.
    pub counts_disabled: bool,
    pub sizes: Sizes,
}

impl Plan {
    /// For a process that reads once, and knows nothing yet.
    #[must_use]
    pub fn once() -> Self {
        Self { priority: Priority::Urgent, batching: true, counts_disabled: true, sizes: Sizes::default() }
    }

    /// How many ids are read together.
    pub(super) fn batch(&self, ids: usize) -> usize {
        match self.batching {
            true if self.sizes.has_cheap_amis(ids) => ids.max(1),
            true => MAX_IDS,
            false => 1,
        }
    }

    /// Whether all stacks are read, and not those of `ids` one by one.
    pub(super) fn sweeps_stacks(&self, ids: usize) -> bool {
        self.batching && self.sizes.has_cheap_stacks(ids)
    }
}

/// How much there is in a scope, as earlier reads of all of it have found: that is what the next such read costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    pub amis: Option<usize>,
    pub stacks: Option<usize>,
}

impl Sizes {
    /// Whether one read of all takes fewer calls than `ids` in batches.
    fn has_cheap_amis(self, ids: usize) -> bool {
        pages(self.amis.unwrap_or(ids), AMIS_PER_PAGE) < ids.div_ceil(MAX_IDS)
    }

    /// Whether one read of all takes fewer calls than `ids` by name.
    fn has_cheap_stacks(self, ids: usize) -> bool {
        pages(self.stacks.unwrap_or(STACK_QUOTA), STACKS_PER_PAGE) < ids
    }
}

/// An empty list is a page, too.
fn pages(items: usize, per_page: u16) -> usize {
    items.div_ceil(per_page.into()).max(1)
}

/// What earlier reads have left. `()` is for a process that reads once.
pub trait History: Sync {
    /// What was last observed of the image.
    fn last(&self, id: &ImageId) -> Option<Observation>;
    /// Whether somebody still subscribes to the image: a long read need not go on for others.
    fn is_subscribed(&self, id: &ImageId) -> bool;
}

impl History for () {
    fn last(&self, _: &ImageId) -> Option<Observation> {
        None
    }

    fn is_subscribed(&self, _: &ImageId) -> bool {
        true
    }
}
