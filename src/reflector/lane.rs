//! `Lane`: the images of one scope, and the work to do for them.

use crate::clock::Stamp;
use crate::describe_image::image_id::ImageId;
use crate::describe_image::observation::Observation;
use crate::describe_image::observe::plan::Sizes;
use crate::describe_image::observe::{ObserveError, Step};
use crate::describe_image::source::Priority;
use crate::describe_image::source_error::{SourceError, SourceErrorKind};
use crate::reflector::entry::Entry;
use crate::reflector::reading::{Freshness, Reading};
use crate::reflector::schedule::Schedule;
use crate::reflector::settings::ReflectorSettings;
use crate::reflector::stack_queue::StackQueue;
use jiff::Timestamp;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use strum::VariantArray;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Reads of AMIs at once, by priority. Images that are due meanwhile share the next read.
const READS_AT_ONCE: [usize; Priority::VARIANTS.len()] = [4, 2, 2];

pub struct Lane {
    settings: ReflectorSettings,
    state: Mutex<State>,
    /// The images whose stack is read.
    pub stacks: StackQueue,
    /// Wakes the lane's task, because there may be work sooner than it expects.
    pub wake: Notify,
}

struct State {
    entries: HashMap<ImageId, Entry>,
    schedule: Schedule,
    sizes: Sizes,
    /// Reads of AMIs that are under way, by priority.
    reads: [usize; Priority::VARIANTS.len()],
    /// Whether its last image was removed. A new lane without images is not over, because its first image follows.
    is_over: bool,
}

/// What the lane's task must do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Work {
    /// Read the due images.
    Read,
    /// Check again at that time, or when woken.
    Sleep(Option<Instant>),
    /// Nothing: the lane has ended.
    End,
}

impl Lane {
    #[must_use]
    pub fn new(settings: ReflectorSettings) -> Self {
        let schedule = Schedule::new(settings.staleness_budget);
        let (entries, sizes, reads) = (HashMap::new(), Sizes::default(), Default::default());
        let state = State { entries, schedule, sizes, reads, is_over: false };
        Self { settings, state: Mutex::new(state), stacks: StackQueue::default(), wake: Notify::new() }
    }

    /// See [`Entry::latest`]. Wakes the lane's task if the image must be read now.
    pub fn latest(&self, id: &ImageId, not_before: Option<Timestamp>) -> Option<Reading> {
        let latest = self.state.lock().change(id, |entry| entry.latest(not_before, self.settings.clock.now()))?;
        if latest.is_none() {
            self.wake.notify_one();
        }
        latest
    }

    /// See [`Entry::young_since`].
    pub fn young_since(&self, id: &ImageId) -> Option<Timestamp> {
        Some(self.state.lock().entries.get(id)?.young_since(self.settings.intervals.error, self.settings.clock.now()))
    }

    pub fn insert(&self, id: &ImageId) {
        let mut state = self.state.lock();
        if !state.entries.contains_key(id) {
            let entry = Entry::new();
            state.schedule.insert(id, &entry);
            state.entries.insert(id.clone(), entry);
            self.wake.notify_one();
        }
    }

    /// Returns true if that was the last image. Then the lane ends.
    pub fn remove(&self, id: &ImageId) -> bool {
        let mut state = self.state.lock();
        let gone = state.entries.remove(id);
        gone.iter().for_each(|entry| state.schedule.remove(id, entry));
        crate::fit::fit(&mut state.entries);
        state.is_over = state.entries.is_empty();
        self.stacks.forget(id);
        self.wake.notify_one();
        state.is_over
    }

    /// Removes all images.
    pub fn end(&self) {
        let ids: Vec<ImageId> = self.state.lock().entries.keys().cloned().collect();
        ids.iter().for_each(|id| {
            self.remove(id);
        });
    }

    #[must_use]
    pub fn freshness(&self, id: &ImageId) -> Option<Freshness> {
        self.state.lock().entries.get(id)?.freshness(self.settings.clock.now())
    }

    #[must_use]
    pub fn work(&self) -> Work {
        let state = self.state.lock();
        // An answer without a waiter does not wake the task. So the task checks again for images that a long read
        // answered early, because they may be due before the read ends.
        let meanwhile = state.schedule.is_reading().then(|| Instant::now() + self.settings.intervals.in_progress);
        match state.schedule.next(|priority| state.has_slot(priority)).into_iter().chain(meanwhile).min() {
            None if state.is_over => Work::End,
            Some(next) if next <= Instant::now() => Work::Read,
            next => Work::Sleep(next),
        }
    }

    /// Takes the images to read now, by priority, as far as there are free slots. `of_one_read` says which of them one read
    /// takes. From now on these count as being read. Each read must end its [`Lane::slot`].
    #[must_use]
    pub fn take_due(&self, of_one_read: impl Fn(Vec<ImageId>, Sizes) -> Vec<ImageId>) -> Vec<(Priority, Vec<ImageId>)> {
        let now = Instant::now();
        let mut state = self.state.lock();
        let free = Priority::VARIANTS.iter().filter(|priority| state.has_slot(**priority));
        let due = free.map(|priority| (*priority, state.schedule.due(*priority, now)));
        let due =
            due.filter(|(_, ids)| !ids.is_empty()).map(|(priority, ids)| (priority, of_one_read(ids, state.sizes)));
        let due: Vec<_> = due.collect();
        for (priority, ids) in &due {
            state.reads[*priority as usize] += 1;
            for id in ids {
                state.change(id, |entry| entry.begin(*priority));
            }
        }
        due
    }

    /// The slot of a read of AMIs that [`Lane::take_due`] gave. It is free again when this is dropped.
    pub fn slot(&self, priority: Priority) -> Slot<'_> {
        Slot(self, priority)
    }

    /// Withdraws the stale answers. Returns their images.
    #[must_use]
    pub fn withdraw_stale(&self) -> Vec<ImageId> {
        let mut state = self.state.lock();
        let stale = state.schedule.stale(Instant::now());
        for id in &stale {
            state.change(id, |entry| entry.withdraw(unanswered(id), Stamp::new(self.settings.clock)));
        }
        stale
    }

    /// Stores the answer of a read. Returns true if it must be published.
    pub fn answered(
        &self,
        id: &ImageId,
        answer: Result<Observation, ObserveError>,
        read: (Priority, Stamp),
        stretch: f64,
    ) -> bool {
        let (intervals, now) = (&self.settings.intervals, Stamp::new(self.settings.clock));
        let answered = self.state.lock().change(id, |entry| {
            let is_published = entry.answered(answer, read, now, stretch, intervals);
            (is_published, entry.has_waiter())
        });
        let (is_published, has_waiter) = answered.unwrap_or_default();
        if has_waiter {
            self.wake.notify_one();
        }
        is_published
    }

    /// Call this when a read has ended without an answer for `ids`. They may be read again after the pause of an error.
    pub fn release<'a>(&self, ids: impl IntoIterator<Item = &'a ImageId>, priority: Priority) {
        let pause = self.settings.intervals.error;
        let mut state = self.state.lock();
        for id in ids {
            state.change(id, |entry| entry.release(priority, pause));
        }
        self.wake.notify_one();
    }

    /// The last observation of the image.
    #[must_use]
    pub fn last(&self, id: &ImageId) -> Option<Observation> {
        let last = self.state.lock().entries.get(id)?.last_observation()?;
        last.unpack().map(Arc::unwrap_or_clone)
    }

    /// Whether the image still has a subscriber.
    #[must_use]
    pub fn is_subscribed(&self, id: &ImageId) -> bool {
        self.state.lock().entries.contains_key(id)
    }

    #[must_use]
    pub fn sizes(&self) -> Sizes {
        self.state.lock().sizes
    }

    /// Stores the sizes that a read found. A `None` changes nothing.
    pub fn learn(&self, Sizes { amis, stacks }: Sizes) {
        let mut state = self.state.lock();
        state.sizes = Sizes { amis: amis.or(state.sizes.amis), stacks: stacks.or(state.sizes.stacks) };
    }
}

/// See [`Lane::slot`].
pub struct Slot<'a>(&'a Lane, Priority);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.state.lock().reads[self.1 as usize] -= 1;
        self.0.wake.notify_one();
    }
}

impl State {
    fn has_slot(&self, priority: Priority) -> bool {
        self.reads[priority as usize] < READS_AT_ONCE[priority as usize]
    }

    /// Changes an entry and its place in the schedule. `None` if the image has no subscriber any more.
    fn change<T>(&mut self, id: &ImageId, with: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        let entry = self.entries.get_mut(id)?;
        self.schedule.remove(id, entry);
        let result = with(entry);
        self.schedule.insert(id, entry);
        Some(result)
    }
}

/// The error of a withdrawn answer: AWS has neither answered nor refused, because the read still waits for the budget.
fn unanswered(id: &ImageId) -> ObserveError {
    let message = "a read that is still waiting for the operator's share of AWS's rate limits (the budget)";
    let source_error = SourceError::asked(SourceErrorKind::Throttled, "describeImage", message);
    ObserveError { image_id: id.clone(), step: Step::Image, source_error }
}
