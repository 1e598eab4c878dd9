//! `Rates`: how often each user may ask, and how many requests are answered at once.

use crate::http_api::Failure;
use leaky_bucket::RateLimiter;
use quick_cache::sync::Cache;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The users whose rates are remembered.
const MOST_USERS: usize = 10_000;
/// Requests that are answered at once, all together and of each user.
const AT_ONCE: usize = 256;
const AT_ONCE_OF_USER: usize = 64;

/// The pause that is asked of those who are refused.
const PAUSE: Duration = Duration::from_secs(1);

pub struct Rates {
    per_second: usize,
    all: Arc<Semaphore>,
    users: Cache<Arc<str>, Arc<Share>>,
}

/// The share of one user.
struct Share {
    rate: RateLimiter,
    at_once: Arc<Semaphore>,
}

/// A request that may be answered. Hold it until it is.
pub struct Place {
    _place: OwnedSemaphorePermit,
}

impl Rates {
    pub fn new(per_second: u32) -> Self {
        let per_second = usize::try_from(per_second).unwrap_or(usize::MAX);
        Self { per_second, all: Arc::new(Semaphore::new(AT_ONCE)), users: Cache::new(MOST_USERS) }
    }

    /// A place for a request of anybody.
    ///
    /// # Errors
    /// If as many are answered as can be.
    pub fn any(&self) -> Result<Place, Failure> {
        let busy = |_| Failure::unavailable("the server answers as many requests as it can", PAUSE);
        self.all.clone().try_acquire_owned().map(|place| Place { _place: place }).map_err(busy)
    }

    /// A place for a request of `user`.
    ///
    /// # Errors
    /// If the user asks too often, or too much at once.
    pub fn of(&self, user: &Arc<str>) -> Result<Place, Failure> {
        let share = self.share(user);
        if !share.rate.try_acquire(1) {
            let per_second = self.per_second;
            return Err(Failure::too_many(format!("more than {per_second} requests in a second"), PAUSE));
        }
        let busy = |_| Failure::too_many(format!("more than {AT_ONCE_OF_USER} requests at once"), PAUSE);
        share.at_once.clone().try_acquire_owned().map(|place| Place { _place: place }).map_err(busy)
    }

    fn share(&self, user: &Arc<str>) -> Arc<Share> {
        let burst = self.per_second.saturating_mul(2);
        // The crate counts in milliseconds, so at a high rate one tick adds several.
        let (refill, tick) = match self.per_second {
            few @ ..=100 => (1, Duration::from_millis(1000_u64.div_ceil(few.max(1) as u64))),
            many => (many / 100, Duration::from_millis(10)),
        };
        let share = self.users.get_or_insert_with::<_, std::convert::Infallible>(user, || {
            let rate = RateLimiter::builder().max(burst).initial(burst).refill(refill).interval(tick).build();
            Ok(Arc::new(Share { rate, at_once: Arc::new(Semaphore::new(AT_ONCE_OF_USER)) }))
        });
        let Ok(share) = share;
        share
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
            let burst = (0..per_second * 2).filter(|_| rates.of(&user("busy")).is_ok()).count();
            assert_eq!(burst, per_second as usize * 2);
            let refused = rates.of(&user("busy")).map(drop);
            assert_eq!(http_api::answer(refused).status(), 429);
            assert!(rates.of(&user("other")).is_ok());
            tokio::time::sleep(Duration::from_secs(1)).await;
            let again = (0..per_second * 2).filter(|_| rates.of(&user("busy")).is_ok()).count();
            let expected = per_second as usize * 9 / 10..=per_second as usize + 1;
            assert!(expected.contains(&again), "{per_second}: {again}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_with_slow_requests_leaves_places_for_others() {
        let rates = Rates::new(1000);
        let places: Vec<_> = std::iter::from_fn(|| rates.of(&user("slow")).ok()).collect();
        assert_eq!(places.len(), AT_ONCE_OF_USER);
        assert!(rates.of(&user("other")).is_ok());
        drop(places);
        assert!(rates.of(&user("slow")).is_ok());
    }
}
