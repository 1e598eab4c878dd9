//! `Rates`: how often each user may ask, how many requests of a user and of a namespace are answered at once, and how many
//! bytes of answers wait for clients that read slowly.

use crate::http_api::Failure;
use axum::body::{Body, Bytes, to_bytes};
use axum::response::Response;
use leaky_bucket::RateLimiter;
use quick_cache::sync::Cache;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The users, and the namespaces, that are remembered.
const MOST: usize = 10_000;
/// Requests of a user, and of a namespace, that are answered at once.
const AT_ONCE: usize = 64;
/// The bytes of all answers that clients have not read yet. The parts of a log are the largest: some megabytes.
const MOST_BYTES: usize = 32 << 20;

/// The pause that is asked of those who are refused.
const PAUSE: Duration = Duration::from_secs(1);

pub struct Rates {
    per_second: usize,
    users: Cache<Arc<str>, Arc<RateLimiter>>,
    /// Those of users and of namespaces. A namespace is no name of a user: it has no colon, and its key begins with one.
    at_once: Cache<Arc<str>, Arc<Semaphore>>,
    bytes: Arc<Semaphore>,
}

/// A request that may be answered. Hold it until it is.
pub struct Place {
    _place: OwnedSemaphorePermit,
}

impl Rates {
    pub fn new(per_second: u32) -> Self {
        let per_second = usize::try_from(per_second).unwrap_or(usize::MAX);
        let bytes = Arc::new(Semaphore::new(MOST_BYTES));
        Self { per_second, users: Cache::new(MOST), at_once: Cache::new(MOST), bytes }
    }

    /// A place for a request of `user`.
    ///
    /// # Errors
    /// If the user asks too often, or too much at once.
    pub fn of_user(&self, user: &Arc<str>) -> Result<Place, Failure> {
        if !self.rate(user).try_acquire(1) {
            let per_second = self.per_second;
            return Err(Failure::too_many(format!("more than {per_second} requests in a second"), PAUSE));
        }
        self.place(user, "of a user")
    }

    /// A place for a request about `namespace`.
    ///
    /// # Errors
    /// If as many are answered as can be.
    pub fn in_namespace(&self, namespace: &str) -> Result<Place, Failure> {
        self.place(&format!(":{namespace}").into(), "about a namespace")
    }

    /// The answer, whose bytes count until the client has read them.
    pub async fn held(&self, response: Response) -> Response {
        let (head, body) = response.into_parts();
        let unavailable = |why: &str| crate::http_api::answer::<()>(Err(Failure::unavailable(why, PAUSE)));
        let Ok(bytes) = to_bytes(body, usize::MAX).await else { return unavailable("the answer cannot be made") };
        let count = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        match self.bytes.clone().try_acquire_many_owned(count) {
            Ok(room) => Response::from_parts(head, Body::from(Bytes::from_owner(Held { bytes, _room: room }))),
            Err(_) => unavailable("other clients have not read their answers yet"),
        }
    }

    fn place(&self, of: &Arc<str>, whose: &str) -> Result<Place, Failure> {
        let new = || Ok(Arc::new(Semaphore::new(AT_ONCE)));
        let Ok(at_once) = self.at_once.get_or_insert_with::<_, Infallible>(of, new);
        let busy = |_| Failure::too_many(format!("more than {AT_ONCE} requests {whose} at once"), PAUSE);
        at_once.try_acquire_owned().map(|place| Place { _place: place }).map_err(busy)
    }

    fn rate(&self, user: &Arc<str>) -> Arc<RateLimiter> {
        let burst = self.per_second.saturating_mul(2);
        // The crate counts in milliseconds, so at a high rate one tick adds several.
        let (refill, tick) = match self.per_second {
            few @ ..=100 => (1, Duration::from_millis(1000_u64.div_ceil(few.max(1) as u64))),
            many => (many / 100, Duration::from_millis(10)),
        };
        let new =
            || Ok(Arc::new(RateLimiter::builder().max(burst).initial(burst).refill(refill).interval(tick).build()));
        let Ok(rate) = self.users.get_or_insert_with::<_, Infallible>(user, new);
        rate
    }
}

/// Bytes that have their room until they are dropped.
struct Held {
    bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http_api;

    fn user(name: &str) -> Arc<str> {
        name.into()
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_who_asks_too_often_is_refused_and_the_others_are_not() {
        for per_second in [1, 7, 50, 999, 5000] {
            let rates = Rates::new(per_second);
            let burst = (0..per_second * 2).filter(|_| rates.of_user(&user("busy")).is_ok()).count();
            assert_eq!(burst, per_second as usize * 2);
            let refused = rates.of_user(&user("busy")).map(drop);
            assert_eq!(http_api::answer(refused).status(), 429);
            assert!(rates.of_user(&user("other")).is_ok());
            tokio::time::sleep(Duration::from_secs(1)).await;
            let again = (0..per_second * 2).filter(|_| rates.of_user(&user("busy")).is_ok()).count();
            let expected = per_second as usize * 9 / 10..=per_second as usize + 1;
            assert!(expected.contains(&again), "{per_second}: {again}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_with_slow_requests_leaves_places_for_others() {
        let rates = Rates::new(1000);
        let places: Vec<_> = std::iter::from_fn(|| rates.of_user(&user("slow")).ok()).collect();
        assert_eq!(places.len(), AT_ONCE);
        assert!(rates.of_user(&user("other")).is_ok());
        assert!(rates.in_namespace("slow").is_ok(), "a namespace has places of its own");
        drop(places);
        assert!(rates.of_user(&user("slow")).is_ok());
    }

    #[tokio::test]
    async fn answers_that_nobody_reads_take_a_bounded_room() {
        let rates = Rates::new(1);
        let large = || Response::new(Body::from(vec![b'x'; MOST_BYTES / 4]));
        let mut unread = Vec::new();
        for _ in 0..4 {
            unread.push(rates.held(large()).await);
        }
        assert_eq!(rates.held(large()).await.status(), 503);
        drop(unread.pop());
        assert_eq!(rates.held(large()).await.status(), 200);
    }
}
