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
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep, sleep_until};

/// Reads of one scope under way at once: a long one must not keep a new image waiting.
const READS_AT_ONCE: usize = 4;

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
        let latest = self.entries().entry(id.clone()).or_insert_with(Entry::new).latest(not_before);
        if latest.is_none() {
            self.wake.notify_one();
        }
        latest
    }

    pub fn want(&self, id: &ImageId) {
        self.entries().entry(id.clone()).or_insert_with(Entry::new);
        self.wake.notify_one();
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

    /// When the next image is due that is not being read.
    fn next_due(&self) -> Option<Instant> {
        self.entries().values().filter(|entry| !entry.is_read).map(|entry| entry.due).min()
    }

    /// The images to read now: first those that somebody waits for, then those whose time has come. The latter take along
    /// what would be due soon, so that a scope's images come to be read together.
    fn take_due(&self) -> [Vec<ImageId>; 2] {
        let now = Instant::now();
        let mut entries = self.entries();
        let is_due = |entry: &Entry| !entry.is_read && entry.due <= now;
        let has_routine = entries.values().any(|entry| is_due(entry) && !entry.is_waited_for());
        let is_nearly_due = |entry: &Entry| {
            let half = entry.reading.as_ref().map(|reading| reading.pause / 2).unwrap_or_default();
            !entry.is_read && entry.due <= now + half
        };
        let mut due = [Vec::new(), Vec::new()];
        for (id, entry) in entries.iter_mut() {
            let [waited_for, routine] = &mut due;
            if entry.is_waited_for() && is_due(entry) {
                waited_for.push(id.clone());
            } else if has_routine && is_nearly_due(entry) {
                routine.push(id.clone());
            } else {
                continue;
            }
            entry.is_read = true;
        }
        due
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
    let slots = Arc::new(Semaphore::new(READS_AT_ONCE));
    loop {
        let woken = lane.wake.notified();
        match lane.next_due() {
            None if lane.is_over.load(Ordering::Relaxed) => return,
            None => woken.await,
            Some(due) if due > Instant::now() => tokio::select! { () = sleep_until(due) => {}, () = woken => {} },
            Some(_) => {
                // Neighbours come within the window, and share the calls.
                sleep(settings.window).await;
                for ids in lane.take_due() {
                    if ids.is_empty() {
                        continue;
                    }
                    let Ok(slot) = slots.clone().acquire_owned().await else { return };
                    let (lane, source, scope, changed) = (lane.clone(), source.clone(), scope.clone(), changed.clone());
                    tokio::spawn(async move {
                        read(&lane, source.as_ref(), &scope, &ids, settings, &changed).await;
                        lane.wake.notify_one();
                        drop(slot);
                    });
                }
            }
        }
    }
}

async fn read<S: ImageSource>(
    lane: &Lane,
    source: &S,
    scope: &Scope,
    ids: &[ImageId],
    settings: Settings,
    changed: &mpsc::UnboundedSender<Changed>,
) {
    let began = Timestamp::now();
    // One for the whole read: what is read together stays together.
    let stretch = 0.9 + 0.2 * chance::number();
    let tell = |(id, answer): Observed| {
        let is_news = lane
            .entries()
            .get_mut(&id)
            .is_some_and(|entry| entry.answered(answer, began, &settings.intervals, stretch));
        if is_news {
            let _ = changed.unbounded_send((scope.clone(), id));
        }
    };
    let sizes = observe_each(source, scope, ids, &Before(lane), tell).await;
    *lane.sizes.lock().unwrap_or_else(PoisonError::into_inner) = sizes;
}
