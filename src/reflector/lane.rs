//! The images of one scope: which are due, and the task that reads them.

use crate::aws;
use crate::describe_image::observe::plan::{Known, Sizes};
use crate::describe_image::observe::{Observed, observe_each};
use crate::describe_image::source::ImageSource;
use crate::describe_image::{ImageId, Observation, Scope};
use crate::reflector::answer::unanswered;
use crate::reflector::entry::{Begun, Entry, Urgency};
use crate::reflector::intervals::Intervals;
use crate::reflector::reading::{Freshness, Reading};
use crate::reflector::{Changed, Settings};
use futures::channel::mpsc;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep, sleep_until};

/// Reads of one scope under way at once, by urgency: a fleet that builds does not keep a new image waiting.
const READS_AT_ONCE: [usize; Urgency::ALL.len()] = [16, 4, 4];

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

    /// The images to read now, by urgency. Those whose time has come take along what would be due soon, so that a scope's images
    /// come to be read together.
    fn take_due(&self, intervals: &Intervals) -> [Vec<ImageId>; Urgency::ALL.len()] {
        let now = Instant::now();
        let mut entries = self.entries();
        let is_due = |entry: &Entry| entry.next_due().is_some_and(|due| due <= now);
        let is_nearly_due = |entry: &Entry| {
            let half = entry.reading.as_ref().map(|reading| reading.pause / 2).unwrap_or_default();
            entry.next_due().is_some_and(|due| due <= now + half)
        };
        Urgency::ALL.map(|urgency| {
            let is_of = |entry: &Entry| entry.urgency(intervals) == urgency;
            if !entries.values().any(|entry| is_of(entry) && is_due(entry)) {
                return Vec::new();
            }
            let due = entries.iter_mut().filter(|(_, entry)| is_of(entry) && is_nearly_due(entry));
            due.map(|(id, entry)| {
                entry.is_read[urgency as usize] = true;
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
    urgency: Urgency,
    left: HashSet<ImageId>,
    pause: Duration,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut entries = self.lane.entries();
        for id in &self.left {
            if let Some(entry) = entries.get_mut(id) {
                entry.released(self.urgency, self.pause);
            }
        }
        self.lane.wake.notify_one();
    }
}

/// What the lane knows when a read begins.
struct Before<'a> {
    lane: &'a Lane,
    urgency: Urgency,
    shares_calls: bool,
}

impl Known for Before<'_> {
    fn shares_calls(&self) -> bool {
        self.shares_calls
    }

    fn sizes(&self) -> Sizes {
        *self.lane.sizes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_wanted(&self, id: &ImageId) -> bool {
        self.lane.entries().contains_key(id)
    }

    /// Nothing counts for a look that somebody has asked for.
    fn last(&self, id: &ImageId) -> Option<Observation> {
        if self.urgency == Urgency::WaitedFor {
            return None;
        }
        let kept = self.lane.entries().get(id)?.last_answer()?;
        kept.observation().map(Arc::unwrap_or_clone)
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
                for (urgency, ids) in Urgency::ALL.into_iter().zip(lane.take_due(&settings.intervals)) {
                    if ids.is_empty() {
                        continue;
                    }
                    let slots = slots[urgency as usize].clone();
                    let (lane, source, scope, changed) = (lane.clone(), source.clone(), scope.clone(), changed.clone());
                    tokio::spawn(async move {
                        let slot = slots.acquire_owned().await;
                        let left = ids.iter().cloned().collect();
                        let under_way = UnderWay { lane: &lane, urgency, left, pause: settings.intervals.error };
                        let read = read(under_way, source.as_ref(), &scope, &ids, settings, &changed);
                        if urgency == Urgency::Routine {
                            aws::routinely(read).await
                        } else {
                            read.await
                        }
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
    let (lane, urgency) = (under_way.lane, under_way.urgency);
    let begun = Begun { at: Timestamp::now(), instant: Instant::now(), stretch: 0.9 + 0.2 * (settings.chance)() };
    let tell = |(id, answer): Observed| {
        under_way.left.remove(&id);
        let is_news = lane.entries().get_mut(&id).is_some_and(|entry| {
            entry.is_read[urgency as usize] = false;
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
    let before = Before { lane, urgency, shares_calls: settings.shares_calls };
    let learned = observe_each(source, scope, ids, &before, tell).await;
    let mut sizes = lane.sizes.lock().unwrap_or_else(PoisonError::into_inner);
    *sizes = Sizes { amis: learned.amis.or(sizes.amis), stacks: learned.stacks.or(sizes.stacks) };
}
