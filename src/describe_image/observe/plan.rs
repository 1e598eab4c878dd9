//! `Plan`: reads a scope image by image, many images in a call, or completely, whichever takes the fewest calls.

use crate::describe_image::source::{AMIS_PER_PAGE, MAX_IDS, STACKS_PER_PAGE};

/// CloudFormation's default quota of stacks for an account and region.
const STACK_QUOTA: usize = 2000;

/// How a read is done.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Whether many images may share a call. Otherwise, each image is read on its own, as other operators do it.
    pub batching: bool,
    /// Whether a disabled AMI counts as the image's AMI. The official program ignores disabled AMIs.
    pub includes_disabled: bool,
    pub sizes: Sizes,
}

impl Plan {
    /// The plan of a process that reads once. It has no earlier reads.
    #[must_use]
    pub fn once() -> Self {
        Self { batching: true, includes_disabled: true, sizes: Sizes::default() }
    }

    /// How many ids are read together. If that is more than [`MAX_IDS`], all AMIs of the scope are read (a sweep).
    #[must_use]
    pub fn batch(&self, ids: usize) -> usize {
        match self.batching {
            true if self.sizes.has_cheap_amis(ids) => ids.max(1),
            true => MAX_IDS,
            false => 1,
        }
    }
}

/// How many AMIs and stacks a scope has. Earlier complete reads counted them. They predict the calls of the next one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    pub amis: Option<usize>,
    pub stacks: Option<usize>,
}

impl Sizes {
    /// Whether reading all AMIs takes fewer calls than reading `ids` AMIs in batches.
    fn has_cheap_amis(self, ids: usize) -> bool {
        pages(self.amis.unwrap_or(ids), AMIS_PER_PAGE) < ids.div_ceil(MAX_IDS)
    }

    /// How many calls it takes to read all stacks. A stack by name takes one.
    #[must_use]
    pub fn stack_pages(self) -> usize {
        pages(self.stacks.unwrap_or(STACK_QUOTA), STACKS_PER_PAGE)
    }
}

/// The number of pages. An empty list takes one page.
fn pages(items: usize, per_page: u16) -> usize {
    items.div_ceil(per_page.into()).max(1)
}
