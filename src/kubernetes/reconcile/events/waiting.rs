//! What waits, by namespace. Namespaces take turns, so that one with many Events does not push out those of others.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// The maximum that waits in one namespace.
const WAITING: usize = 64;

/// Time between two lines of the log about one namespace.
const PAUSE: Duration = Duration::from_secs(60);

/// What waits. A namespace has a turn for each thing that waits there.
#[derive(Debug)]
pub struct ByNamespace<T> {
    waiting: HashMap<String, VecDeque<T>>,
    /// The namespaces in which something waits. The first one is next.
    turns: VecDeque<String>,
}

impl<T> Default for ByNamespace<T> {
    fn default() -> Self {
        Self { waiting: HashMap::new(), turns: VecDeque::new() }
    }
}

impl<T> ByNamespace<T> {
    /// Returns false when the namespace has no room left.
    #[must_use]
    pub fn put(&mut self, namespace: &str, one: T) -> bool {
        if let Some(waiting) = self.waiting.get_mut(namespace) {
            let has_room = waiting.len() < WAITING;
            if has_room {
                waiting.push_back(one);
            }
            return has_room;
        }
        self.waiting.insert(namespace.to_owned(), VecDeque::from([one]));
        self.turns.push_back(namespace.to_owned());
        true
    }

    /// Takes the oldest of the namespace whose turn it is.
    pub fn take(&mut self) -> Option<T> {
        let namespace = self.turns.pop_front()?;
        let waiting = self.waiting.get_mut(&namespace)?;
        let one = waiting.pop_front();
        if waiting.is_empty() {
            self.waiting.remove(&namespace);
        } else {
            self.turns.push_back(namespace);
        }
        one
    }
}

/// When each namespace was last told about.
#[derive(Debug, Default)]
pub struct Quiet(HashMap<String, Instant>);

impl Quiet {
    /// At most one line a minute for each namespace.
    #[must_use]
    pub fn may_tell(&mut self, namespace: &str) -> bool {
        if self.0.get(namespace).is_some_and(|told| told.elapsed() < PAUSE) {
            return false;
        }
        self.0.retain(|_, told| told.elapsed() < PAUSE);
        self.0.insert(namespace.to_owned(), Instant::now());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_with_many_events_neither_delays_nor_drops_those_of_others() {
        let mut turns = ByNamespace::default();
        let kept = (0..6000).filter(|number| turns.put("many", *number)).count();
        assert_eq!(kept, WAITING);
        assert!(turns.put("few", 6001) && turns.put("few", 6002));
        let taken: Vec<i32> = std::iter::from_fn(|| turns.take()).collect();
        assert_eq!((&taken[..5], taken.len()), (&[0, 6001, 1, 6002, 2][..], WAITING + 2));
        assert!(turns.waiting.is_empty() && turns.put("many", 0), "an empty namespace takes no memory");
    }

    #[tokio::test(start_paused = true)]
    async fn each_namespace_is_told_about_once_a_minute() {
        let mut quiet = Quiet::default();
        assert!(quiet.may_tell("a") && !quiet.may_tell("a") && quiet.may_tell("b"));
        tokio::time::advance(PAUSE).await;
        assert!(quiet.may_tell("a"));
        assert_eq!(quiet.0.len(), 1, "old ones are forgotten");
    }
}
