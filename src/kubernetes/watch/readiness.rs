//! Readiness: whether the watches hold all objects and work, and what they wait for. A single broken watch makes the
//! process not ready, because its namespace is no longer mirrored.

use crate::kubernetes::told::{Told, words_of_watch};
use kube::runtime::watcher::{self, Event};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, interval};

/// `Ok` while the watches hold all objects and work. Else the text says what they wait for.
pub type Readiness = Result<(), String>;

/// The state of each watch, by namespace, and the readiness of all watches together.
#[derive(Clone, Debug)]
pub struct ReadinessBoard {
    watches: Arc<Mutex<BTreeMap<String, Watched>>>,
    sum: watch::Sender<Readiness>,
    patience: Duration,
}

/// The state of one watch.
#[derive(Debug, Default)]
struct Watched {
    /// It has held all objects once. The store keeps them while it is retried.
    has_listed: bool,
    /// Since when it does not work, and why. `None` while it works.
    broken: Option<(Instant, String)>,
    /// When the API server began to answer it again.
    answered: Option<Instant>,
    told: Told,
}

impl ReadinessBoard {
    /// A board for the watches of `namespaces` (empty: one watch of all). A watch may fail for `patience` until the
    /// process is not ready.
    #[must_use]
    pub fn new(namespaces: &[String], patience: Duration, sum: watch::Sender<Readiness>) -> Self {
        let listing = |name: &str| {
            let broken = Some((Instant::now(), format!("listing customimages{}", within(name))));
            (name.to_owned(), Watched { broken, ..Watched::default() })
        };
        let mut watches: BTreeMap<_, _> = namespaces.iter().map(|name| listing(name)).collect();
        if watches.is_empty() {
            watches.extend([listing("")]);
        }
        Self { watches: Arc::new(Mutex::new(watches)), sum, patience }
    }

    /// Takes in an `event` of the watch of `namespace`.
    pub fn note<K>(&self, namespace: &str, event: &watcher::Result<Event<K>>) {
        if let Some(watched) = self.watches.lock().get_mut(namespace) {
            match event {
                Ok(Event::InitDone | Event::Apply(_) | Event::Delete(_)) => watched.works(namespace),
                Ok(Event::Init | Event::InitApply(_)) => {}
                Err(error) => watched.failed(namespace, words_of_watch(error)),
            }
        }
        self.publish();
    }

    /// The API server has begun to answer the watch of `namespace`. Without a change of an object no event says so.
    pub fn note_answered(&self, namespace: &str) {
        if let Some(watched) = self.watches.lock().get_mut(namespace).filter(|watched| watched.broken.is_some()) {
            watched.answered.get_or_insert_with(Instant::now);
        }
    }

    /// Publishes what only time changes. Never returns.
    pub async fn keep(&self) {
        // An answer that breaks off at once is no sign of a watch that works.
        let calm = self.patience / 6;
        let mut ticks = interval((self.patience / 60).max(Duration::from_millis(100)));
        loop {
            ticks.tick().await;
            for (namespace, watched) in &mut *self.watches.lock() {
                if watched.has_listed && watched.answered.is_some_and(|since| since.elapsed() >= calm) {
                    watched.works(namespace);
                }
            }
            self.publish();
        }
    }

    /// Whether no watch has been broken for longer than the patience.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        !self.watches.lock().values().any(|watched| watched.is_broken_for(self.patience))
    }

    fn publish(&self) {
        let watches = self.watches.lock();
        let waits = watches.values().find(|watched| !watched.has_listed || watched.is_broken_for(self.patience));
        let why = waits.and_then(|watched| watched.broken.as_ref()).map(|(_, why)| why.clone());
        let now = why.map_or(Ok(()), Err);
        self.sum.send_if_modified(|before| std::mem::replace(before, now.clone()) != now);
    }
}

impl Watched {
    fn works(&mut self, namespace: &str) {
        (self.has_listed, self.broken, self.answered) = (true, None, None);
        if self.told.is_over() {
            tracing::info!(namespace, "the watch of customimages works again");
        }
    }

    fn failed(&mut self, namespace: &str, error: String) {
        if self.told.is_news(&error) {
            let what = if self.has_listed {
                "the watch of customimages failed and is retried"
            } else {
                "cannot list customimages yet"
            };
            tracing::warn!(namespace, error, "{what}");
        }
        let since = self.broken.as_ref().map_or_else(Instant::now, |(since, _)| *since);
        self.broken = Some((since, format!("the watch of customimages{} fails: {error}", within(namespace))));
        self.answered = None;
    }

    fn is_broken_for(&self, patience: Duration) -> bool {
        self.broken.as_ref().is_some_and(|(since, _)| since.elapsed() >= patience)
    }
}

/// " in NAMESPACE", or nothing for the watch of all namespaces.
fn within(namespace: &str) -> String {
    if namespace.is_empty() { String::new() } else { format!(" in {namespace}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn two() -> (ReadinessBoard, watch::Receiver<Readiness>) {
        let (sum, ready) = watch::channel(Err("starting".to_owned()));
        (ReadinessBoard::new(&["a".into(), "b".into()], MINUTE, sum), ready)
    }

    fn fails(board: &ReadinessBoard, namespace: &str) {
        board.note::<()>(namespace, &Err(watcher::Error::NoResourceVersion));
    }

    /// Lets the board see the time that has passed.
    async fn after(board: &ReadinessBoard, time: Duration) {
        let _ = tokio::time::timeout(time, board.keep()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_process_is_ready_when_every_watch_has_listed() {
        let (board, ready) = two();
        board.note::<()>("a", &Ok(Event::InitDone));
        assert!(ready.borrow().as_ref().unwrap_err().contains(" in b"));
        fails(&board, "b");
        assert_ne!(*ready.borrow(), Ok(()));
        board.note_answered("b");
        after(&board, MINUTE).await;
        assert_ne!(*ready.borrow(), Ok(()), "an answer is no complete list");
        board.note::<()>("b", &Ok(Event::InitDone));
        assert_eq!(*ready.borrow(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn one_watch_that_is_broken_for_a_minute_makes_the_process_not_ready_until_it_works() {
        let (board, ready) = two();
        board.note::<()>("a", &Ok(Event::InitDone));
        board.note::<()>("b", &Ok(Event::InitDone));
        fails(&board, "b");
        after(&board, MINUTE - Duration::from_secs(1)).await;
        assert_eq!((ready.borrow().clone(), board.is_healthy()), (Ok(()), true), "the store keeps its objects");
        fails(&board, "b");
        after(&board, Duration::from_secs(2)).await;
        assert!(ready.borrow().as_ref().unwrap_err().contains(" in b") && !board.is_healthy());
        board.note::<()>("b", &Ok(Event::Apply(())));
        assert_eq!((ready.borrow().clone(), board.is_healthy()), (Ok(()), true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_without_events_works_when_its_answer_has_lasted() {
        let (board, ready) = two();
        board.note::<()>("a", &Ok(Event::InitDone));
        board.note::<()>("b", &Ok(Event::InitDone));
        fails(&board, "b");
        after(&board, MINUTE).await;
        for _ in 0..3 {
            board.note_answered("b");
            after(&board, Duration::from_secs(5)).await;
            fails(&board, "b");
            assert!(ready.borrow().is_err(), "the answer broke off at once");
        }
        board.note_answered("b");
        after(&board, Duration::from_secs(21)).await;
        assert_eq!((ready.borrow().clone(), board.is_healthy()), (Ok(()), true));
    }
}
