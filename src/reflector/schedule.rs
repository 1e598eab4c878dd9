//! `Schedule`: the images of a lane, ordered by when they are due. Finding due images takes time in proportion to the
//! number of due images, however many images the lane has.

use crate::describe_image::image_id::ImageId;
use crate::describe_image::source::Priority;
use crate::reflector::entry::{Entry, Slot};
use std::collections::BTreeSet;
use std::time::Duration;
use strum::VariantArray;
use tokio::time::Instant;

type Ordered = BTreeSet<(Instant, ImageId)>;

#[derive(Debug)]
pub struct Schedule {
    staleness_budget: Duration,
    /// Indexed by priority.
    queues: [Queue; Priority::VARIANTS.len()],
    /// Images that are being read, by the moment when their answer becomes stale.
    stale: Ordered,
    /// The number of images that are being read.
    under_way: usize,
}

#[derive(Debug, Default)]
struct Queue {
    by_due: Ordered,
    /// By the moment from which on an image is read together with others ([`Slot::from`]).
    by_from: Ordered,
}

impl Schedule {
    #[must_use]
    pub fn new(staleness_budget: Duration) -> Self {
        Self { staleness_budget, queues: Default::default(), stale: Ordered::new(), under_way: 0 }
    }

    /// Inserts an entry in its current state.
    pub fn insert(&mut self, id: &ImageId, entry: &Entry) {
        if let Some(Slot { priority, due, from }) = entry.slot() {
            let queue = &mut self.queues[priority as usize];
            queue.by_due.insert((due, id.clone()));
            queue.by_from.insert((from, id.clone()));
        }
        self.stale.extend(entry.stale_at(self.staleness_budget).map(|at| (at, id.clone())));
        self.under_way += usize::from(entry.is_being_read());
    }

    /// Removes an entry. It must be in the same state as at its insertion.
    pub fn remove(&mut self, id: &ImageId, entry: &Entry) {
        if let Some(Slot { priority, due, from }) = entry.slot() {
            let queue = &mut self.queues[priority as usize];
            queue.by_due.remove(&(due, id.clone()));
            queue.by_from.remove(&(from, id.clone()));
        }
        if let Some(at) = entry.stale_at(self.staleness_budget) {
            self.stale.remove(&(at, id.clone()));
        }
        self.under_way -= usize::from(entry.is_being_read());
    }

    /// When the next image is due, of the priorities that may be read, or the next answer becomes stale.
    #[must_use]
    pub fn next(&self, may_be_read: impl Fn(Priority) -> bool) -> Option<Instant> {
        let queues = Priority::VARIANTS.iter().zip(&self.queues).filter(|(priority, _)| may_be_read(**priority));
        let due = queues.filter_map(|(_, queue)| queue.by_due.first());
        due.chain(self.stale.first()).map(|(at, _)| *at).min()
    }

    #[must_use]
    pub fn is_reading(&self) -> bool {
        self.under_way > 0
    }

    /// The images of this priority to read at `now`, sorted by id. If at least one is due, this includes images that
    /// may be read together with it. If none is due, it is empty.
    #[must_use]
    pub fn due(&self, priority: Priority, now: Instant) -> Vec<ImageId> {
        let queue = &self.queues[priority as usize];
        if queue.by_due.first().is_none_or(|(due, _)| *due > now) {
            return Vec::new();
        }
        let mut ids = until(&queue.by_from, now);
        ids.sort_unstable();
        ids
    }

    /// The images whose answers are stale at `now`.
    #[must_use]
    pub fn stale(&self, now: Instant) -> Vec<ImageId> {
        until(&self.stale, now)
    }
}

fn until(ordered: &Ordered, now: Instant) -> Vec<ImageId> {
    ordered.iter().take_while(|(at, _)| *at <= now).map(|(_, id)| id.clone()).collect()
}
