//! The open watches, told of each change in the order in which they were opened.

use super::resource::Resource;
use super::store::Change;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// All open watches.
#[derive(Default)]
pub(super) struct Watchers {
    opened: u64,
    open: BTreeMap<u64, (Resource, UnboundedSender<Arc<Change>>)>,
}

impl Watchers {
    /// Opens a watch. Returns its number, with which it is closed, and its changes.
    pub(super) fn open(&mut self, resource: Resource) -> (u64, UnboundedReceiver<Arc<Change>>) {
        let (sender, receiver) = unbounded_channel();
        self.opened += 1;
        self.open.insert(self.opened, (resource, sender));
        (self.opened, receiver)
    }

    pub(super) fn close(&mut self, number: u64) {
        self.open.remove(&number);
    }

    /// Ends all watches of a resource.
    pub(super) fn end(&mut self, resource: Resource) {
        self.open.retain(|_, (watched, _)| *watched != resource);
    }

    pub(super) fn tell(&self, change: &Arc<Change>) {
        for (_, sender) in self.open.values().filter(|(resource, _)| *resource == change.resource) {
            // A watch that is about to be closed needs no change.
            let _ = sender.send(change.clone());
        }
    }

    pub(super) fn count(&self) -> usize {
        self.open.len()
    }
}
