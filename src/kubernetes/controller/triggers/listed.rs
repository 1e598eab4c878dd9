//! Triggers from watch events. kube's store takes over a list only when the list is complete. An object of a running
//! list must not be reconciled before, because the reconcile would read its previous version, or none.

use futures::stream::{self, Stream, StreamExt};
use kube::runtime::watcher::{self, Event};

/// The objects to reconcile: a listed one when its list is complete, a changed one at once.
pub fn applied<K>(events: impl Stream<Item = watcher::Result<Event<K>>>) -> impl Stream<Item = watcher::Result<K>> {
    let mut listed = Vec::new();
    events.flat_map(move |event| {
        let ready = match event {
            Ok(Event::Init) => {
                listed.clear();
                Vec::new()
            }
            Ok(Event::InitApply(object)) => {
                listed.push(object);
                Vec::new()
            }
            Ok(Event::InitDone) => std::mem::take(&mut listed).into_iter().map(Ok).collect(),
            Ok(Event::Apply(object)) => vec![Ok(object)],
            Ok(Event::Delete(_)) => Vec::new(),
            Err(error) => vec![Err(error)],
        };
        stream::iter(ready)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn a_listed_object_triggers_only_when_its_list_is_complete() {
        let (sender, events) = futures::channel::mpsc::unbounded();
        let mut triggers = std::pin::pin!(applied(events));
        for event in [Event::Init, Event::InitApply(1), Event::InitApply(2)] {
            sender.unbounded_send(Ok(event)).unwrap();
        }
        assert!(triggers.next().now_or_never().is_none());
        // The list breaks off and starts again.
        for event in [Event::Init, Event::InitApply(3), Event::InitDone, Event::Apply(4), Event::Delete(5)] {
            sender.unbounded_send(Ok(event)).unwrap();
        }
        drop(sender);
        let seen: Vec<i32> = triggers.map(Result::unwrap).collect().now_or_never().unwrap();
        assert_eq!(seen, [3, 4]);
    }
}
