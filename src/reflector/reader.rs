//! `Reader`: the task of a lane. It reads the images that are due, and publishes the changes.

use crate::describe_image::image_id::ImageId;
use crate::describe_image::observation::Observation;
use crate::describe_image::observe::observe_each;
use crate::describe_image::observe::plan::{History, Plan};
use crate::describe_image::scope::{ImageRef, Scope};
use crate::describe_image::source::{ImageSource, Priority};
use crate::reflector::answer::Begun;
use crate::reflector::lane::{Lane, ReflectorSettings, Work};
use crate::reflector::subscribers::{Subscriber, Subscribers};
use futures::channel::mpsc;
use jiff::Timestamp;
use parking_lot::Mutex;
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, sleep_until};

/// Concurrent reads of one scope, by priority. The limits are separate, so that slow reads of many images in progress
/// do not delay a new image.
const READS_AT_ONCE: [usize; 3] = [16, 4, 4];

/// Publishes an image to its subscribers.
#[derive(Clone)]
pub struct Publisher {
    pub subscribers: Arc<Mutex<Subscribers>>,
    pub changes: mpsc::UnboundedSender<Subscriber>,
}

impl Publisher {
    fn publish(&self, image: &ImageRef) {
        for subscriber in self.subscribers.lock().of(image) {
            // There is no receiver any more when the process ends.
            let _ = self.changes.unbounded_send(subscriber.clone());
        }
    }
}

/// The task of a lane, with everything that its reads need.
pub struct Reader<S> {
    pub lane: Arc<Lane>,
    pub source: Arc<S>,
    pub scope: Scope,
    pub settings: ReflectorSettings,
    pub publisher: Publisher,
}

impl<S: ImageSource + 'static> Reader<S> {
    /// Reads the lane's images when they are due, until the lane ends.
    pub async fn run(self) {
        let (reader, slots) = (Arc::new(self), READS_AT_ONCE.map(|reads| Arc::new(Semaphore::new(reads))));
        loop {
            let woken = reader.lane.wake.notified();
            reader.lane.withdraw_stale().into_iter().for_each(|id| reader.publish(id));
            match reader.lane.work() {
                Work::End => return,
                Work::Sleep(None) => woken.await,
                Work::Sleep(Some(next)) => tokio::select! { () = sleep_until(next) => {}, () = woken => {} },
                Work::Read => {
                    // Images that come due within the window share the calls.
                    sleep(reader.settings.batch_window).await;
                    for (priority, ids) in reader.lane.take_due() {
                        let (reader, slots) = (reader.clone(), slots[priority as usize].clone());
                        tokio::spawn(async move {
                            let _slot = slots.acquire_owned().await;
                            reader.read(priority, &ids).await;
                        });
                    }
                }
            }
        }
    }

    async fn read(&self, priority: Priority, ids: &[ImageId]) {
        let begun = Begun { at: Timestamp::now(), instant: Instant::now() };
        let stretch = 0.9 + 0.2 * (self.settings.random)();
        let mut under_way = UnderWay { lane: &self.lane, priority, ids: ids.iter().collect() };
        let plan =
            Plan { priority, batching: self.settings.batching, includes_disabled: true, sizes: self.lane.sizes() };
        let history = LaneHistory { lane: &self.lane, priority };
        let learned = observe_each(self.source.as_ref(), &self.scope, ids, plan, &history, |(id, answer)| {
            under_way.ids.remove(&id);
            if self.lane.answered(&id, answer, (priority, begun), stretch) {
                self.publish(id);
            }
        });
        self.lane.learn(learned.await);
    }

    fn publish(&self, id: ImageId) {
        self.publisher.publish(&ImageRef { scope: self.scope.clone(), id });
    }
}

/// The images of a read that have no answer yet. When the read ends, even by a panic, they are released to be read
/// again.
struct UnderWay<'a> {
    lane: &'a Lane,
    priority: Priority,
    ids: HashSet<&'a ImageId>,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.lane.release(self.ids.drain(), self.priority);
    }
}

/// The history of the lane. It gives no last observation to an urgent read, because a user may have requested fresh
/// data.
struct LaneHistory<'a> {
    lane: &'a Lane,
    priority: Priority,
}

impl History for LaneHistory<'_> {
    fn last(&self, id: &ImageId) -> Option<Observation> {
        if self.priority == Priority::Urgent { None } else { self.lane.last(id) }
    }

    fn is_subscribed(&self, id: &ImageId) -> bool {
        self.lane.is_subscribed(id)
    }
}
