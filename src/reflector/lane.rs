//! The images of one scope, and which of them are to be read.

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

/// How the reflector reads.
#[derive(Clone, Copy, Debug)]
pub struct ReflectorSettings {
    /// Time that a read waits for others, so that they share calls.
    pub batch_window: Duration,
    pub intervals: Intervals,
    /// From the last answer until an image whose read is still under way counts as unanswered. At least three intervals.
    pub staleness_budget: Duration,
    /// Whether images share calls.
    pub batching: bool,
    /// A number from 0 to 1, which spreads the reads.
    pub random: fn() -> f64,
}

pub struct Lane {
    settings: ReflectorSettings,
    state: Mutex<State>,
    /// There is something to do sooner than was known.
    pub wake: Notify,
}

struct State {
    entries: HashMap<ImageId, Entry>,
    schedule: Schedule,
    sizes: Sizes,
    /// Its last image was removed. A lane without images is not over: its first may be on the way.
    is_over: bool,
}

/// What there is to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Work {
    /// Read what is due.
    Read,
    /// Look again at that time, or when woken.
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

    /// The reading at hand, if it began at `not_before` or later. Else the image is read now.
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

    /// True when that was the last image: the lane ends.
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
        // What is answered early comes due while the rest of its read goes on.
        let meanwhile = state.schedule.is_reading().then(|| Instant::now() + self.settings.intervals.in_progress);
        match state.schedule.next().into_iter().chain(meanwhile).min() {
            None if state.is_over => Work::End,
            Some(next) if next <= Instant::now() => Work::Read,
            next => Work::Sleep(next),
        }
    }

    /// The images to read now, by priority; from now on they are being read.
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

    /// Withdraws the answers that are too old to stand. Gives their images.
    #[must_use]
    pub fn withdraw_stale(&self) -> Vec<ImageId> {
        let mut state = self.state.lock();
        let stale = state.schedule.stale(Instant::now());
        for id in &stale {
            state.change(id, |entry| entry.withdraw(unanswered(id)));
        }
        stale
    }

    /// Takes the answer of a read. True when somebody should hear of it.
    pub fn answered(
        &self,
        id: &ImageId,
        answer: Result<Observation, ObserveError>,
        read: (Priority, Begun),
        stretch: f64,
    ) -> bool {
        let intervals = &self.settings.intervals;
        let answered = self.state.lock().change(id, |entry| {
            let is_news = entry.answered(answer, read, stretch, intervals);
            (is_news, entry.has_waiter())
        });
        let (is_news, has_waiter) = answered.unwrap_or_default();
        if has_waiter {
            self.wake.notify_one();
        }
        is_news
    }

    /// A read has ended without an answer for these: they may be read again.
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
    /// Changes an entry, and its place in the schedule with it. `None` when nobody subscribes to the image any more.
    fn change<T>(&mut self, id: &ImageId, with: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        let entry = self.entries.get_mut(id)?;
        self.schedule.remove(id, entry);
        let result = with(entry);
        self.schedule.insert(id, entry);
        Some(result)
    }
}

/// The read waits for its turn: AWS has not answered, and has not refused either.
fn unanswered(id: &ImageId) -> ObserveError {
    let message = "the read waits for the operator's share of AWS's limits (the budget)";
    let source_error = SourceError::asked(SourceErrorKind::Throttled, "describeImage", message);
    ObserveError { image_id: id.clone(), step: Step::Image, source_error }
}
