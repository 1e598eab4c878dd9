//! `Decisions`: answers that hold for a while. Those who ask for the same at once share one question.

use super::caller::Refusal;
use quick_cache::sync::Cache;
use std::convert::Infallible;
use std::hash::Hash;
use std::time::Duration;
use tokio::time::Instant;

pub struct Decisions<K, V>(Cache<K, Decision<V>>);

#[derive(Clone)]
struct Decision<V> {
    answer: Result<V, Refusal>,
    until: Instant,
}

impl<K: Clone + Eq + Hash, V: Clone> Decisions<K, V> {
    /// Holds at most `most` answers.
    pub fn new(most: usize) -> Self {
        Self(Cache::new(most))
    }

    /// The answer for `key`, else what `ask` gives, with the time for which it holds.
    pub async fn of(&self, key: &K, ask: impl Future<Output = (Result<V, Refusal>, Duration)>) -> Result<V, Refusal> {
        let _ = self.0.remove_if(key, |decision| decision.until <= Instant::now());
        let decide = async {
            let (answer, time) = ask.await;
            Ok(Decision { answer, until: Instant::now() + time })
        };
        let Ok(decision) = self.0.get_or_insert_async::<K, Infallible>(key, decide).await;
        decision.answer
    }
}
