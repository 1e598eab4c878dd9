//! `run`: the task of a lane. It reads the images that are due, and publishes the changes.

use crate::clock::Stamp;
use crate::describe_image::image_id::ImageId;
use crate::describe_image::observe::plan::Sizes;
use crate::describe_image::observe::{Amis, observe_amis, observe_stacks};
use crate::describe_image::source::{ImageSource, MAX_IDS, Priority};
use crate::reflector::by_turns::by_turns;
use crate::reflector::lane::{Lane, Work};
use crate::reflector::lane_context::LaneContext;
use crate::reflector::scope_lane::ScopeLane;
use std::collections::HashSet;
use std::sync::Arc;
use tokio::time::{sleep, sleep_until};

/// Reads the lane's images when they are due, until the lane ends.
pub async fn run<S: ImageSource + 'static>(lane: ScopeLane<S>) {
    let reads = Arc::new(lane);
    loop {
        let woken = reads.lane.wake.notified();
        reads.lane.withdraw_stale().into_iter().for_each(|id| reads.publish(id));
        match reads.lane.work() {
            Work::End => return,
            Work::Sleep(None) => woken.await,
            Work::Sleep(Some(next)) => tokio::select! { biased; () = sleep_until(next) => {}, () = woken => {} },
            Work::Read => {
                // Images that come due within the window share the calls.
                sleep(reads.settings.batch_window).await;
                for (priority, ids) in reads.lane.take_due(|ids, sizes| of_one_read(&reads, ids, sizes)) {
                    let reads = reads.clone();
                    tokio::spawn(async move { read(&reads, priority, &ids).await });
                }
            }
        }
    }
}

/// Those of the due `ids` that are read now: all of them if one call can carry them or a sweep is cheaper, else as many as
/// one call can carry, by turns of the tenants. The others are read with the next call.
fn of_one_read<S>(reads: &ScopeLane<S>, ids: Vec<ImageId>, sizes: Sizes) -> Vec<ImageId> {
    let plan = reads.plan(sizes);
    if !plan.batching || plan.batch(ids.len()) >= ids.len() {
        return ids;
    }
    let mut ids = by_turns(ids, |id| reads.tenants(id));
    ids.truncate(MAX_IDS);
    ids
}

async fn read<S: ImageSource + 'static>(reads: &Arc<ScopeLane<S>>, priority: Priority, ids: &[ImageId]) {
    let lane = &reads.lane;
    let slot = lane.slot(priority);
    let begun = Stamp::new(reads.settings.clock);
    let stretch = 0.9 + 0.2 * (reads.settings.random)();
    let mut under_way = UnderWay { lane, priority, ids: ids.iter().collect() };
    let mut answer = |(id, answer)| {
        under_way.ids.remove(&id);
        if lane.answered(&id, answer, (priority, begun), stretch) {
            reads.publish(id);
        }
    };
    let context = LaneContext { reads, priority };
    let (source, scope) = (reads.source.as_ref(), &reads.scope);
    let Amis { needs_stack, count } =
        observe_amis(source, scope, ids, reads.plan(lane.sizes()), &context, &mut answer).await;
    lane.learn(Sizes { amis: count, stacks: None });
    // From here on, the read waits for stacks. The next read of AMIs need not wait for that.
    drop(slot);
    observe_stacks(source, scope, needs_stack, &context, &mut answer).await;
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
