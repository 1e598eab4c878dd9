//! `LaneContext`: the reads of stacks in a lane. They take turns by tenant, and share a sweep of all stacks when that takes
//! fewer calls.

use crate::describe_image::image_id::ImageId;
use crate::describe_image::observation::{Observation, Stack};
use crate::describe_image::observe::context::ReadContext;
use crate::describe_image::observe::plan::Sizes;
use crate::describe_image::scope::Scope;
use crate::describe_image::source::{ImageSource, Priority, Turn};
use crate::describe_image::source_error::{SourceError, SourceErrorKind};
use crate::reflector::scope_lane::ScopeLane;
use crate::reflector::stack_queue::StackAnswer;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::task::yield_now;

/// The context of one read of a lane.
pub struct LaneContext<'a, S> {
    pub reads: &'a Arc<ScopeLane<S>>,
    pub priority: Priority,
}

impl<S: ImageSource + 'static> ReadContext for LaneContext<'_, S> {
    fn turn(&self, scope: &Scope, id: &ImageId) -> Turn {
        let parties = self.reads.tenants(id);
        match parties.is_empty() {
            true => self.shared_turn(scope),
            false => Turn { priority: self.priority, parties: parties.into() },
        }
    }

    fn shared_turn(&self, scope: &Scope) -> Turn {
        Turn::shared(self.priority, scope)
    }

    /// An urgent read gets none, because a user may have requested fresh data.
    fn last(&self, id: &ImageId) -> Option<Observation> {
        if self.priority == Priority::Urgent { None } else { self.reads.lane.last(id) }
    }

    async fn stack(&self, source: &impl ImageSource, scope: &Scope, id: &ImageId) -> Option<StackAnswer> {
        let lane = &self.reads.lane;
        if !lane.is_subscribed(id) {
            return None;
        }
        let mut ticket = lane.stacks.join(id, self.turn(scope, id));
        // Until all images of this read have joined, so that they are counted together.
        yield_now().await;
        sweep_if_cheaper(self.reads);
        let mut alone = None;
        loop {
            let mut changed = std::pin::pin!(lane.stacks.changed.notified());
            // From here on, no change is missed.
            changed.as_mut().enable();
            if !lane.stacks.is_read_alone(&ticket.turn, lane.sizes()) {
                alone = None;
            } else if alone.is_none() {
                let turn = ticket.turn.clone();
                alone = Some(Box::pin(async move { source.stack(scope, id, &turn).await }));
            }
            let by_name = async {
                match &mut alone {
                    Some(read) => read.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                swept = &mut ticket.answer => return swept.ok(),
                read = by_name => return Some(read),
                () = changed => {}
            }
        }
    }
}

/// Begins a sweep if that takes fewer calls than to read all waiting stacks by name.
fn sweep_if_cheaper<S: ImageSource + 'static>(reads: &Arc<ScopeLane<S>>) {
    if reads.settings.batching && reads.lane.stacks.begins_sweep(reads.lane.sizes()) {
        let reads = reads.clone();
        tokio::spawn(async move {
            sweep(&reads).await;
            sweep_if_cheaper(&reads);
        });
    }
}

async fn sweep<S: ImageSource>(reads: &ScopeLane<S>) {
    let swept = reads.lane.stacks.take(|priority| Turn::shared(priority, &reads.scope));
    let (mut found, mut count) = (HashMap::new(), 0);
    let take = |stack: Stack| {
        count += 1;
        if let Some(id) = stack.name().and_then(|name| ImageId::parse(name).ok()).filter(|id| swept.contains(id)) {
            found.insert(id, stack);
        }
    };
    match reads.source.all_stacks(&reads.scope, &swept.turn, take).await {
        Ok(()) => {
            reads.lane.learn(Sizes { amis: None, stacks: Some(count) });
            swept.answer(|id| Ok(found.get(id).cloned()));
        }
        // To list all stacks is a separate permission.
        Err(SourceError { kind: SourceErrorKind::AccessDenied, .. }) => swept.denied(),
        Err(error) => swept.answer(|_| Err(error.clone())),
    }
}
