//! `Lane`: the images of one scope, and the work to do for them.

use crate::describe_image::image_id::ImageId;
use crate::describe_image::observation::Observation;
use crate::describe_image::observe::plan::{History, Sizes};
use crate::describe_image::observe::{ObserveError, Step};
use crate::describe_image::source::Priority;
use crate::describe_image::source_error::{SourceError, SourceErrorKind};
use crate::reflector::answer::Begun;
use crate::reflector::entry::Entry;
use crate::reflector::intervals::Intervals;
use crate::reflector::reading::{Freshness, Reading};
use crate::reflector::schedule::Schedule;
use jiff::Timestamp;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use strum::VariantArray;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The settings of the reflector's reads.
#[derive(Clone, Copy, Debug)]
pub struct ReflectorSettings {
    /// How long a read waits for others, to share their calls.
    pub batch_window: Duration,
    pub intervals: Intervals,
    /// How long an answer stays valid while the next read is still under way. At least three intervals of the image.
    pub staleness_budget: Duration,
    /// Whether images share calls.
    pub batching: bool,
    /// Returns a random number from 0 to 1. It spreads the reads over time.
    pub random: fn() -> f64,
}

pub struct Lane {
    settings: ReflectorSettings,
    state: Mutex<State>,
    /// Wakes the lane's task, because there may be work sooner than it expects.
    pub wake: Notify,
}

struct State {
    entries: HashMap<ImageId, Entry>,
    schedule: Schedule,
    sizes: Sizes,
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
        let state = State { entries: HashMap::new(), schedule, sizes: Sizes::default(), is_over: false };
        Self { settings, state: Mutex::new(state), wake: Notify::new() }
    }

    /// See [`Entry::latest`]. Wakes the lane's task if the image must be read now.
    pub fn latest(&self, id: &ImageId, not_before: Option<Timestamp>) -> Option<Reading> {
        let latest = self.state.lock().change(id, |entry| entry.latest(not_before))?;
        if latest.is_none() {
            self.wake.notify_one();
        }
        latest
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
        if let Some(entry) = state.entries.remove(id) {
            state.schedule.remove(id, &entry);
        }
        state.is_over = state.entries.is_empty();
        self.wake.notify_one();
        state.is_over
    }

    #[must_use]
    pub fn freshness(&self, id: &ImageId) -> Option<Freshness> {
        self.state.lock().entries.get(id)?.freshness()
    }

    #[must_use]
    pub fn work(&self) -> Work {
        let state = self.state.lock();
        // An answer without a waiter does not wake the task. So the task checks again for images that a long read
        // answered early, because they may be due before the read ends.
        let meanwhile = state.schedule.is_reading().then(|| Instant::now() + self.settings.intervals.in_progress);
        match state.schedule.next().into_iter().chain(meanwhile).min() {
            None if state.is_over => Work::End,
            Some(next) if next <= Instant::now() => Work::Read,
            next => Work::Sleep(next),
        }
    }

    /// Takes the images to read now, by priority. From now on they count as being read.
    #[must_use]
    pub fn take_due(&self) -> Vec<(Priority, Vec<ImageId>)> {
        let now = Instant::now();
        let mut state = self.state.lock();
        let due = Priority::VARIANTS.iter().map(|priority| (*priority, state.schedule.due(*priority, now)));
        let due: Vec<_> = due.filter(|(_, ids)| !ids.is_empty()).collect();
        for (priority, ids) in &due {
            for id in ids {
                state.change(id, |entry| entry.begin(*priority));
            }
        }
        due
    }

    /// Withdraws the stale answers. Returns their images.
    #[must_use]
    pub fn withdraw_stale(&self) -> Vec<ImageId> {
        let mut state = self.state.lock();
        let stale = state.schedule.stale(Instant::now());
        for id in &stale {
            state.change(id, |entry| entry.withdraw(unanswered(id)));
        }
        stale
    }

    /// Stores the answer of a read. Returns true if it must be published.
    pub fn answered(
        &self,
        id: &ImageId,
        answer: Result<Observation, ObserveError>,
        read: (Priority, Begun),
        stretch: f64,
    ) -> bool {
        let intervals = &self.settings.intervals;
        let answered = self.state.lock().change(id, |entry| {
            let is_published = entry.answered(answer, read, stretch, intervals);
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

impl History for Lane {
    fn last(&self, id: &ImageId) -> Option<Observation> {
        let last = self.state.lock().entries.get(id)?.last_observation()?;
        last.unpack().map(Arc::unwrap_or_clone)
    }

    fn is_subscribed(&self, id: &ImageId) -> bool {
        self.state.lock().entries.contains_key(id)
    }
}

impl State {
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
