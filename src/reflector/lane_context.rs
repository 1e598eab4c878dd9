//! `LaneContext`: the reads of stacks in a lane. They take turns by tenant, and share a sweep of all stacks when that takes
//! fewer calls.

use crate::describe_image::image_id::ImageId;
use crate::describe_image::observation::{Observation, Stack};
use crate::describe_image::observe::context::ReadContext;
use crate::describe_image::observe::plan::Sizes;
use crate::describe_image::scope::Scope;
use crate::describe_image::source::{ImageSource, Priority, StackAnswer, Turn};
use crate::describe_image::source_error::SourceErrorKind;
use crate::reflector::scope_lane::ScopeLane;
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
        let mut ticket = lane.stacks.join(id, self.turn(scope, id));
        // Checked after it has joined, so that an image that leaves now is noticed in any case.
        if !lane.is_subscribed(id) {
            return None;
        }
        // Until all images of this read have joined, so that they are counted together.
        yield_now().await;
        sweep_if_cheaper(self.reads);
        let (mut alone, mut has_failed) = (None, false);
        loop {
            let mut changed = std::pin::pin!(lane.stacks.changed.notified());
            // From here on, no change is missed.
            changed.as_mut().enable();
            if !has_failed && !lane.stacks.is_read_alone(&ticket.turn, lane.sizes()) {
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
                // A read by name may succeed where the sweep has failed.
                swept = &mut ticket.answer, if !has_failed => match swept {
                    Ok(Err(_)) if alone.is_some() => has_failed = true,
                    swept => return swept.ok(),
                },
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
    let (mut found, mut count, mut is_nameless) = (HashMap::new(), 0, false);
    let take = |stack: Stack| {
        count += 1;
        is_nameless |= stack.name().is_none();
        if let Some(id) = stack.name().and_then(|name| ImageId::parse(name).ok()).filter(|id| swept.contains(id)) {
            found.insert(id, stack);
        }
    };
    match reads.source.all_stacks(&reads.scope, &swept.turn, take).await {
        // A stack without a name may be any of those that wait.
        Ok(()) if is_nameless => swept.denied(),
        Ok(()) => {
            reads.lane.learn(Sizes { amis: None, stacks: Some(count) });
            swept.answer(|id| Ok(found.get(id).cloned()));
        }
        // To list all stacks is a separate permission, and one stack may make the whole list unreadable.
        Err(error) if error.kind == SourceErrorKind::AccessDenied || error.bad_reply.is_some() => swept.denied(),
        Err(error) => swept.answer(|_| Err(error.clone())),
    }
}
