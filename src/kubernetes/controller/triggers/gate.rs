//! A standby watches, so that its store is warm, and looks at nothing: its triggers wait until it leads.

use futures::stream::{self, Stream, StreamExt};
use kube::Resource;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher;
use std::collections::HashMap;
use std::hash::Hash;
use std::pin::Pin;

/// Holds the triggers back until `leading`; then each object that had one comes once, and the rest as they come.
pub fn held_until<K>(
    triggers: impl Stream<Item = watcher::Result<K>> + Send + 'static,
    leading: impl Future<Output = ()> + Send + 'static,
) -> impl Stream<Item = watcher::Result<K>> + Send
where
    K: Resource + Send + 'static,
    K::DynamicType: Default + Eq + Hash + Clone + Send,
{
    let waiting: Option<Pin<Box<dyn Future<Output = ()> + Send>>> = Some(Box::pin(leading));
    let held: HashMap<ObjectRef<K>, K> = HashMap::new();
    stream::unfold((Box::pin(triggers), waiting, held), |(mut triggers, mut waiting, mut held)| async move {
        while let Some(leading) = waiting.as_mut() {
            tokio::select! {
                biased;
                () = leading => waiting = None,
                trigger = triggers.next() => match trigger? {
                    Ok(object) => { held.insert(ObjectRef::from_obj(&object), object); }
                    Err(error) => return Some((Err(error), (triggers, waiting, held))),
                },
            }
        }
        let next = held.keys().next().cloned();
        if let Some(object) = next.and_then(|reference| held.remove(&reference)) {
            return Some((Ok(object), (triggers, waiting, held)));
        }
        triggers.next().await.map(|trigger| (trigger, (triggers, waiting, held)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use k8s_openapi::api::core::v1::ConfigMap;

    fn named(name: &str) -> ConfigMap {
        serde_json::from_value(serde_json::json!({"metadata": {"name": name}})).unwrap()
    }

    #[test]
    fn triggers_wait_for_leadership_and_each_object_comes_once() {
        let (sender, triggers) = futures::channel::mpsc::unbounded();
        let (lead, leading) = futures::channel::oneshot::channel::<()>();
        let mut held = std::pin::pin!(held_until(triggers, async move { leading.await.unwrap() }));
        for name in ["a", "b", "a"] {
            sender.unbounded_send(Ok(named(name))).unwrap();
        }
        assert!(held.next().now_or_never().is_none());
        lead.send(()).unwrap();
        sender.unbounded_send(Ok(named("c"))).unwrap();
        drop(sender);
        let seen: Vec<_> = held.map(|object| object.unwrap().metadata.name.unwrap()).collect().now_or_never().unwrap();
        let mut first = seen[..2].to_vec();
        first.sort();
        assert_eq!((first, &seen[2..]), (vec!["a".into(), "b".into()], &["c".to_owned()][..]));
    }
}
