//! The images of one scope: which are due, and the task that reads them.

use super::entry::Entry;
use super::{Changed, Settings};
use crate::describe_image::known::{Known, Sizes};
use crate::describe_image::observe::{Observed, observe_each};
use crate::describe_image::reading::Reading;
use crate::describe_image::source::ImageSource;
use crate::describe_image::{ImageId, Observation, Scope};
use crate::kubernetes::chance;
use futures::channel::mpsc;
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep, sleep_until};

/// Reads of one scope under way at once: of what somebody waits for, and of what is merely due. Each has its own, so that a
/// fleet that builds, and is read as slowly as the budget allows, does not keep a new image waiting.
const READS_AT_ONCE: [usize; 2] = [16, 4];
const WAITED_FOR: usize = 0;
const DUE: usize = 1;

#[derive(Default)]
pub struct Lane {
    entries: Mutex<HashMap<ImageId, Entry>>,
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

    pub fn answered_at(&self, id: &ImageId) -> Option<Timestamp> {
        self.entries().get(id)?.reading.as_ref()?.answered_at
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<ImageId, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the next image is to be read.
    fn next_due(&self) -> Option<Instant> {
        self.entries().values().filter_map(Entry::next_due).min()
    }

    /// The images to read now: first those that somebody waits for, then those whose time has come. The latter take along
    /// what would be due soon, so that a scope's images come to be read together.
    fn take_due(&self) -> [Vec<ImageId>; 2] {
        let now = Instant::now();
        let mut entries = self.entries();
        let is_due = |entry: &Entry| entry.next_due().is_some_and(|due| due <= now);
        let has_routine = entries.values().any(|entry| is_due(entry) && !entry.is_waited_for());
        let is_nearly_due = |entry: &Entry| {
            let half = entry.reading.as_ref().map(|reading| reading.pause / 2).unwrap_or_default();
            entry.next_due().is_some_and(|due| due <= now + half)
        };
        let mut due = [Vec::new(), Vec::new()];
        for (id, entry) in entries.iter_mut() {
            let kind = if entry.is_waited_for() && is_due(entry) {
                WAITED_FOR
            } else if has_routine && !entry.is_waited_for() && is_nearly_due(entry) {
                DUE
            } else {
                continue;
            };
            entry.is_read[kind] = true;
            due[kind].push(id.clone());
        }
        due
    }
}

/// Images that are being read; those without an answer at its end may be read again, however it ended.
struct UnderWay<'a> {
    lane: &'a Lane,
    kind: usize,
    left: HashSet<ImageId>,
    pause: Duration,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut entries = self.lane.entries();
        for id in &self.left {
            if let Some(entry) = entries.get_mut(id) {
                entry.released(self.kind, self.pause);
            }
        }
        self.lane.wake.notify_one();
    }
}

/// What the lane knows when a read begins.
struct Before<'a>(&'a Lane);

impl Known for Before<'_> {
    fn sizes(&self) -> Sizes {
        *self.0.sizes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last(&self, id: &ImageId) -> Option<Observation> {
        let answer = self.0.entries().get(id)?.reading.as_ref()?.answer.clone();
        answer.ok().map(|observation| Observation::clone(&observation))
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
        match lane.next_due() {
            None if lane.is_over.load(Ordering::Relaxed) => return,
            None => woken.await,
            Some(due) if due > Instant::now() => tokio::select! { () = sleep_until(due) => {}, () = woken => {} },
            Some(_) => {
                // Neighbours come within the window, and share the calls.
                sleep(settings.window).await;
                for (kind, ids) in lane.take_due().into_iter().enumerate() {
                    if ids.is_empty() {
                        continue;
                    }
                    let slots = slots[kind].clone();
                    let (lane, source, scope, changed) = (lane.clone(), source.clone(), scope.clone(), changed.clone());
                    tokio::spawn(async move {
                        let slot = slots.acquire_owned().await;
                        let left = ids.iter().cloned().collect();
                        let under_way = UnderWay { lane: &lane, kind, left, pause: settings.intervals.error };
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
    let (lane, kind) = (under_way.lane, under_way.kind);
    let began = Timestamp::now();
    // One for the whole read: what is read together stays together.
    let stretch = 0.9 + 0.2 * chance::number();
    let tell = |(id, answer): Observed| {
        under_way.left.remove(&id);
        let is_news = lane.entries().get_mut(&id).is_some_and(|entry| {
            entry.is_read[kind] = false;
            entry.answered(answer, began, &settings.intervals, stretch)
        });
        if is_news {
            let _ = changed.unbounded_send((scope.clone(), id));
        }
    };
    let learned = observe_each(source, scope, ids, &Before(lane), tell).await;
    let mut sizes = lane.sizes.lock().unwrap_or_else(PoisonError::into_inner);
    *sizes = Sizes { amis: learned.amis.or(sizes.amis), stacks: learned.stacks.or(sizes.stacks) };
}
