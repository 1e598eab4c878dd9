//! The images of one scope: which are due, and the task that reads them.

use crate::describe_image::observe::plan::{Plan, Sizes, Store};
use crate::describe_image::observe::{Observed, observe_each};
use crate::describe_image::source::{ImageSource, Priority};
use crate::describe_image::{ImageId, Observation, Scope};
use crate::reflector::answer::unanswered;
use crate::reflector::entry::{Begun, Entry};
use crate::reflector::intervals::Intervals;
use crate::reflector::reading::{Freshness, Reading};
use crate::reflector::{Changed, Settings};
use futures::channel::mpsc;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use strum::VariantArray;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep, sleep_until};

/// Reads of one scope under way at once, by priority: a fleet that builds does not keep a new image waiting.
const READS_AT_ONCE: [usize; Priority::VARIANTS.len()] = [16, 4, 4];

#[derive(Default)]
pub struct Lane {
    entries: Mutex<BTreeMap<ImageId, Entry>>,
    sizes: Mutex<Sizes>,
    wake: Notify,
    /// Its last image was forgotten. A lane without images is not over: its first may be on the way.
    is_over: AtomicBool,
}

impl Lane {
    pub fn latest(&self, id: &ImageId, not_before: Option<Timestamp>) -> Option<Reading> {
        let latest = self.entries().get_mut(id)?.latest(not_before);
        if latest.is_none() {
            self.wake.notify_one();
        }
        latest
    }

    pub fn want(&self, id: &ImageId) {
        let mut entries = self.entries();
        if !entries.contains_key(id) {
            entries.insert(id.clone(), Entry::new());
            self.wake.notify_one();
        }
    }

    /// True when that was the last image: the lane ends.
    pub fn forget(&self, id: &ImageId) -> bool {
        let mut entries = self.entries();
        entries.remove(id);
        let is_over = entries.is_empty();
        self.is_over.store(is_over, Ordering::Relaxed);
        self.wake.notify_one();
        is_over
    }

    pub fn freshness(&self, id: &ImageId, intervals: &Intervals) -> Option<Freshness> {
        self.entries().get(id)?.freshness(intervals)
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<ImageId, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the next image is to be read.
    fn next_due(&self) -> Option<Instant> {
        self.entries().values().filter_map(Entry::next_due).min()
    }

    /// The images to read now, by priority. Those whose time has come take along what would be due soon, so that a scope's images
    /// come to be read together.
    fn take_due(&self, intervals: &Intervals) -> [Vec<ImageId>; Priority::VARIANTS.len()] {
        let now = Instant::now();
        let mut entries = self.entries();
        let is_due = |entry: &Entry| entry.next_due().is_some_and(|due| due <= now);
        let is_nearly_due = |entry: &Entry| {
            let half = entry.reading.as_ref().map(|reading| reading.pause / 2).unwrap_or_default();
            entry.next_due().is_some_and(|due| due <= now + half)
        };
        [Priority::Urgent, Priority::InProgress, Priority::Background].map(|priority| {
            let is_of = |entry: &Entry| entry.priority(intervals) == priority;
            if !entries.values().any(|entry| is_of(entry) && is_due(entry)) {
                return Vec::new();
            }
            let due = entries.iter_mut().filter(|(_, entry)| is_of(entry) && is_nearly_due(entry));
            due.map(|(id, entry)| {
                entry.is_read[priority as usize] = true;
                id.clone()
            })
            .collect()
        })
    }

    /// When there will be something to do.
    fn next(&self, settings: &Settings) -> Option<Instant> {
        // What was answered comes due while the rest of its read goes on.
        let reading = self.entries().values().any(|entry| entry.is_read.contains(&true));
        let meanwhile = reading.then(|| Instant::now() + settings.intervals.in_progress);
        [self.next_due(), self.next_overdue(settings), meanwhile].into_iter().flatten().min()
    }

    /// When the first answer will be too old to stand although its image is being read.
    fn next_overdue(&self, settings: &Settings) -> Option<Instant> {
        self.entries().values().filter_map(|entry| entry.overdue(settings.overdue)).min()
    }

    /// The images whose answer does not stand any more.
    fn withdraw_overdue(&self, settings: &Settings) -> Vec<ImageId> {
        let now = Instant::now();
        let mut entries = self.entries();
        let overdue = entries
            .iter_mut()
            .filter(|(_, entry)| entry.overdue(settings.overdue).is_some_and(|overdue| overdue <= now));
        overdue
            .map(|(id, entry)| {
                entry.withdrawn(unanswered(id));
                id.clone()
            })
            .collect()
    }
}

/// Images that are being read; those without an answer at its end may be read again, however it ended.
struct UnderWay<'a> {
    lane: &'a Lane,
    priority: Priority,
    left: HashSet<ImageId>,
    pause: Duration,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut entries = self.lane.entries();
        for id in &self.left {
            if let Some(entry) = entries.get_mut(id) {
                entry.released(self.priority, self.pause);
            }
        }
        self.lane.wake.notify_one();
    }
}

/// What the lane's earlier reads have left, when another begins.
struct Before<'a> {
    lane: &'a Lane,
    priority: Priority,
}

impl Store for Before<'_> {
    /// Nothing counts for a look that somebody has asked for.
    fn last(&self, id: &ImageId) -> Option<Observation> {
        if self.priority == Priority::Urgent {
            return None;
        }
        let kept = self.lane.entries().get(id)?.last_answer()?;
        kept.observation().map(Arc::unwrap_or_clone)
    }

    fn is_subscribed(&self, id: &ImageId) -> bool {
        self.lane.entries().contains_key(id)
    }
}

/// Reads the lane's images when they are due, until there are none.
pub async fn serve<S: ImageSource + 'static>(
    lane: Arc<Lane>,
    source: Arc<S>,
    scope: Scope,
    settings: Settings,
    changed: mpsc::UnboundedSender<Changed>,
) {
    let slots = READS_AT_ONCE.map(|reads| Arc::new(Semaphore::new(reads)));
    loop {
        let woken = lane.wake.notified();
        for id in lane.withdraw_overdue(&settings) {
            let _ = changed.unbounded_send((scope.clone(), id));
        }
        match lane.next(&settings) {
            None if lane.is_over.load(Ordering::Relaxed) => return,
            None => woken.await,
            Some(next) if next > Instant::now() => tokio::select! { () = sleep_until(next) => {}, () = woken => {} },
            Some(_) => {
                // Neighbours come within the window, and share the calls.
                sleep(settings.window).await;
                for (priority, ids) in Priority::VARIANTS.iter().copied().zip(lane.take_due(&settings.intervals)) {
                    if ids.is_empty() {
                        continue;
                    }
                    let slots = slots[priority as usize].clone();
                    let (lane, source, scope, changed) = (lane.clone(), source.clone(), scope.clone(), changed.clone());
                    tokio::spawn(async move {
                        let slot = slots.acquire_owned().await;
                        let left = ids.iter().cloned().collect();
                        let under_way = UnderWay { lane: &lane, priority, left, pause: settings.intervals.error };
                        read(under_way, source.as_ref(), &scope, &ids, settings, &changed).await;
                        drop(slot);
                    });
                }
            }
        }
    }
}

async fn read<S: ImageSource>(
    mut under_way: UnderWay<'_>,
    source: &S,
    scope: &Scope,
    ids: &[ImageId],
    settings: Settings,
    changed: &mpsc::UnboundedSender<Changed>,
) {
    let (lane, priority) = (under_way.lane, under_way.priority);
    let begun = Begun { at: Timestamp::now(), instant: Instant::now(), stretch: 0.9 + 0.2 * (settings.chance)() };
    let tell = |(id, answer): Observed| {
        under_way.left.remove(&id);
        let is_news = lane.entries().get_mut(&id).is_some_and(|entry| {
            entry.is_read[priority as usize] = false;
            let is_news = entry.answered(answer, begun, &settings.intervals);
            if entry.is_waited_for() {
                lane.wake.notify_one();
            }
            is_news
        });
        if is_news {
            let _ = changed.unbounded_send((scope.clone(), id));
        }
    };
    let sizes = *lane.sizes.lock().unwrap_or_else(PoisonError::into_inner);
    let plan = Plan { priority, batching: settings.shares_calls, counts_disabled: true, sizes };
    let learned = observe_each(source, scope, ids, plan, &Before { lane, priority }, tell).await;
    let mut sizes = lane.sizes.lock().unwrap_or_else(PoisonError::into_inner);
    *sizes = Sizes { amis: learned.amis.or(sizes.amis), stacks: learned.stacks.or(sizes.stacks) };
}
