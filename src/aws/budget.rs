//! The share of AWS's limits that this process uses: one token bucket for each account, region and API, shared by all
//! scopes. A call waits for its token. When AWS throttles, the bucket is emptied, and a call costs twice as much for a
//! while.

use super::sink::{CallSink, IgnoreCalls};
use super::turns::Turns;
use crate::describe_image::Region;
use crate::describe_image::source::{Priority, Turn};
use leaky_bucket::RateLimiter;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use strum::VariantArray;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// The debt limit: retries that may be owed, for each token that the bucket can hold.
const MOST_OWED: usize = 10;

/// How full a new bucket is, in percent. It is less than half, because a new process does not know how much the
/// previous one has used. With the default budget, EC2 has ten calls at the start: the pages of ten thousand images.
const FILLED_AT_START: usize = 40;

/// How long a call costs two tokens after AWS has throttled.
const RECOVERY: Duration = Duration::from_secs(60);

/// Calls of one rate limit that are under way at once, by priority. The limits are separate, so that slow calls for many
/// images in progress do not delay a new image.
const CALLS_AT_ONCE: [usize; 3] = [32, 16, 16];

/// Users who may create objects can invent region names. At this many buckets, those that no scope uses are removed.
const MOST_RATE_LIMITS: usize = 8000;

/// The APIs that have a rate limit of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Api {
    DescribeImages,
    DescribeStacks,
    DescribeStackResource,
    GetImage,
    DescribeStackEvents,
    DescribeLogStreams,
    GetLogEvents,
}

/// A rate limit of AWS: the calls at once (burst) and the calls a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub burst: u32,
    pub per_second: u32,
}

/// EC2's published limit for DescribeImages with a filter or pages. All calls here have both.
const DESCRIBE_IMAGES: Limit = Limit { burst: 100, per_second: 20 };

/// How much of AWS's limits this process may use.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Percent of each limit, 1 to 100.
    pub percent: u32,
    /// The assumed limit of each API for which AWS publishes none.
    pub assumed: Limit,
}

impl Budget {
    fn limit(&self, api: Api) -> Limit {
        match api {
            Api::DescribeImages => DESCRIBE_IMAGES,
            Api::DescribeStacks
            | Api::DescribeStackResource
            | Api::GetImage
            | Api::DescribeStackEvents
            | Api::DescribeLogStreams
            | Api::GetLogEvents => self.assumed,
        }
    }
}

/// All rate limits of the process. Without a budget, they never delay a call.
#[derive(Debug)]
pub struct Budgets {
    budget: Option<Budget>,
    sink: Arc<dyn CallSink>,
    rate_limits: Mutex<HashMap<(String, Region, Api), Arc<RateLimit>>>,
}

impl Default for Budgets {
    fn default() -> Self {
        Self { budget: None, sink: Arc::new(IgnoreCalls), rate_limits: Mutex::default() }
    }
}

impl Budgets {
    #[must_use]
    pub fn new(budget: Budget, sink: Arc<dyn CallSink>) -> Self {
        Self { budget: Some(budget), sink, rate_limits: Mutex::default() }
    }

    /// The bucket that all scopes of `account` in `region` share for `api`.
    pub fn rate_limit(&self, account: &str, region: &Region, api: Api) -> Arc<RateLimit> {
        let mut rate_limits = self.rate_limits.lock();
        if rate_limits.len() >= MOST_RATE_LIMITS {
            rate_limits.retain(|_, bucket| Arc::strong_count(bucket) > 1);
        }
        let limited = || self.budget.map(|budget| Limited::new(&budget, api));
        let new = || Arc::new(RateLimit::new(limited(), self.sink.clone()));
        rate_limits.entry((account.to_owned(), region.clone(), api)).or_insert_with(new).clone()
    }

    /// Drops the rate limits that no scope has used for a while. A new one would be no fuller.
    pub fn release(&self) {
        let is_used =
            |bucket: &Arc<RateLimit>| Arc::strong_count(bucket) > 1 || bucket.used_at.lock().elapsed() < RECOVERY;
        self.rate_limits.lock().retain(|_, bucket| is_used(bucket));
    }

    /// Moves the buckets of the account with the empty name to `account`, because it is the same account. A bucket that
    /// `account` already has stays.
    pub fn named(&self, account: &str) {
        let mut rate_limits = self.rate_limits.lock();
        let unnamed: Vec<_> = rate_limits.extract_if(|(account, _, _), _| account.is_empty()).collect();
        for ((_, region, api), bucket) in unnamed {
            rate_limits.entry((account.to_owned(), region, api)).or_insert(bucket);
        }
    }
}

/// The calls of one account, region and API.
#[derive(Debug)]
pub struct RateLimit {
    limited: Option<Limited>,
    under_way: [Arc<Semaphore>; Priority::VARIANTS.len()],
    used_at: Mutex<Instant>,
    sink: Arc<dyn CallSink>,
}

#[derive(Debug)]
struct Limited {
    tokens: RateLimiter,
    /// Who takes the next token. The crate's own queue lets a new caller pass those that wait.
    turns: Arc<Turns>,
    throttled_at: Mutex<Option<Instant>>,
    /// Retries that have not yet paid their token.
    owed: AtomicUsize,
}

/// A call that may be made. Hold it until the call has ended.
#[must_use]
pub struct Permit {
    _under_way: Option<OwnedSemaphorePermit>,
}

/// Counts a caller as waiting while it exists.
struct Waiting<'a>(&'a dyn CallSink, Priority, Instant);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waited(self.1, self.2.elapsed());
    }
}

impl RateLimit {
    fn new(limited: Option<Limited>, sink: Arc<dyn CallSink>) -> Self {
        let under_way = CALLS_AT_ONCE.map(|calls| Arc::new(Semaphore::new(calls)));
        Self { limited, under_way, used_at: Mutex::new(Instant::now()), sink }
    }

    /// A rate limit that never delays a call.
    pub fn unlimited() -> Self {
        Self::new(None, Arc::new(IgnoreCalls))
    }

    /// Waits for the turn and for a token, and pays for the retries that are owed.
    pub async fn take(&self, turn: &Turn) -> Permit {
        let Turn { priority, .. } = *turn;
        self.sink.waits(priority);
        *self.used_at.lock() = Instant::now();
        let _waiting = Waiting(self.sink.as_ref(), priority, Instant::now());
        self.pay(turn).await;
        let under_way = &self.under_way[priority as usize];
        if let Ok(permit) = under_way.clone().try_acquire_owned() {
            return Permit { _under_way: Some(permit) };
        }
        // AWS answers slowly. Calls that were paid long ago must not all be made at once when it recovers.
        let permit = under_way.clone().acquire_owned().await.ok();
        self.pay(turn).await;
        Permit { _under_way: permit }
    }

    async fn pay(&self, turn: &Turn) {
        if let Some(limited) = &self.limited {
            let _place = limited.turns.place(turn).await;
            // Paid only now: a caller may give up the wait.
            let owed = limited.owed.load(Ordering::Relaxed);
            limited.tokens.acquire(limited.price(owed)).await;
            limited.owed.fetch_sub(owed, Ordering::Relaxed);
        }
    }

    /// Records a retry of the SDK, which cannot wait for a token. The next call pays for it.
    pub fn owe(&self) {
        if let Some(limited) = &self.limited {
            // If AWS throttles for hours, the debt must not grow beyond what can be paid back.
            let most = limited.tokens.max().saturating_mul(MOST_OWED);
            let owe = |owed: usize| Some(owed.saturating_add(1).min(most));
            let _ = limited.owed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, owe);
        }
    }

    /// Records that AWS has throttled: another client uses the account, too, or its limits differ from the
    /// assumed ones.
    pub fn throttled(&self) {
        if let Some(limited) = &self.limited {
            *limited.throttled_at.lock() = Some(Instant::now());
            while limited.tokens.try_acquire(1) {}
        }
    }
}

impl Limited {
    fn new(budget: &Budget, api: Api) -> Self {
        let Limit { burst, per_second } = budget.limit(api);
        let share = |number: u32| f64::from(number) * f64::from(budget.percent) / 100.0;
        // The crate counts in milliseconds, so at a high rate one tick adds several tokens.
        let rate = share(per_second).max(0.01);
        let refill = (rate / 100.0).round().max(1.0);
        let tick = Duration::from_millis((refill * 1000.0 / rate).ceil() as u64);
        // At least two, because a call costs two tokens while the bucket recovers.
        let burst = share(burst).max(2.0) as usize;
        let initial = (burst * FILLED_AT_START / 100).max(1);
        let tokens = RateLimiter::builder().max(burst).initial(initial).refill(refill as usize).interval(tick).build();
        Self { tokens, turns: Arc::default(), throttled_at: Mutex::default(), owed: AtomicUsize::new(0) }
    }

    /// The tokens that the next call costs, with the `owed` retries. If the bucket cannot hold as many, they come over several refills.
    fn price(&self, owed: usize) -> usize {
        let is_recovering = self.throttled_at.lock().is_some_and(|at| at.elapsed() < RECOVERY);
        let a_call = if is_recovering { 2 } else { 1 };
        a_call * (1 + owed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe_image::source::Party;

    fn region(name: &str) -> Region {
        Region::parse(name).unwrap()
    }

    fn budgets_of(budget: Budget) -> Budgets {
        Budgets::new(budget, Arc::new(IgnoreCalls))
    }

    fn turn(priority: Priority, tenant: &str) -> Turn {
        Turn { priority, parties: [Party::Tenant(tenant.into())].into() }
    }

    /// 40 calls a second, two at once: fast enough for a test.
    fn budgets() -> Budgets {
        budgets_of(Budget { percent: 25, assumed: Limit { burst: 8, per_second: 160 } })
    }

    async fn taken_within(bucket: &RateLimit, time: Duration) -> u32 {
        let end = Instant::now() + time;
        let mut taken = 0;
        while tokio::time::timeout_at(end, bucket.take(&turn(Priority::Urgent, "a"))).await.is_ok() {
            taken += 1;
        }
        taken
    }

    #[tokio::test(start_paused = true)]
    async fn at_most_the_budgets_share_of_the_limit_is_used() {
        let taken =
            taken_within(&budgets().rate_limit("1", &region("eu-west-1"), Api::GetImage), Duration::from_millis(500))
                .await;
        assert!((15..=23).contains(&taken), "one at once, and 20 in half a second: {taken}");
    }

    #[tokio::test(start_paused = true)]
    async fn after_throttling_the_bucket_is_empty_and_calls_cost_double() {
        let bucket = budgets().rate_limit("1", &region("eu-west-1"), Api::GetImage);
        bucket.throttled();
        let taken = taken_within(&bucket, Duration::from_millis(500)).await;
        assert!((6..=11).contains(&taken), "nothing at once, and 10 in half a second: {taken}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_retry_is_paid_for_by_the_next_calls() {
        let bucket = budgets().rate_limit("1", &region("eu-west-1"), Api::GetImage);
        (0..10).for_each(|_| bucket.owe());
        let taken = taken_within(&bucket, Duration::from_millis(500)).await;
        assert!((5..=13).contains(&taken), "one at once, and 20 in half a second, minus 10 retries: {taken}");
    }

    #[tokio::test(start_paused = true)]
    async fn retries_during_throttling_are_paid_for_up_to_the_debt_limit() {
        let bucket = budgets().rate_limit("1", &region("eu-west-1"), Api::GetImage);
        bucket.throttled();
        (0..100_000).for_each(|_| bucket.owe());
        let taken = taken_within(&bucket, Duration::from_millis(2500)).await;
        assert!((25..=31).contains(&taken), "100 tokens, 2 a call, and 20 calls are owed: {taken}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_urgent_call_passes_a_hundred_background_calls_and_does_not_stop_them() {
        let bucket = budgets().rate_limit("1", &region("eu-west-1"), Api::GetImage);
        let call = || async { drop(bucket.take(&turn(Priority::Background, "a")).await) };
        let background = (0..100).map(|_| call()).collect::<futures::future::JoinAll<_>>();
        let urgent = async {
            // Until then, the background calls are queued.
            tokio::time::sleep(Duration::from_millis(100)).await;
            let begun = Instant::now();
            for _ in 0..10 {
                let _ = bucket.take(&turn(Priority::Urgent, "a")).await;
            }
            begun.elapsed()
        };
        let begun = Instant::now();
        let (urgent, _) = tokio::join!(urgent, background);
        assert!(urgent <= Duration::from_millis(500), "10 urgent and 10 background calls, at 40 a second: {urgent:?}");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn extreme_rates_and_shares_still_let_a_call_through() {
        for (percent, per_second, burst) in [(1, 1, 1), (25, 10_000, 10_000), (100, 10_000, 1), (100, 1, 10_000)] {
            let budgets = budgets_of(Budget { percent, assumed: Limit { burst, per_second } });
            let _ =
                budgets.rate_limit("1", &region("eu-west-1"), Api::GetImage).take(&turn(Priority::Urgent, "a")).await;
        }
    }

    #[test]
    fn an_account_has_one_bucket_for_each_region_and_api() {
        let budgets = budgets();
        let bucket = |account, name, api| budgets.rate_limit(account, &region(name), api);
        let one = bucket("1", "eu-west-1", Api::GetImage);
        assert!(Arc::ptr_eq(&one, &bucket("1", "eu-west-1", Api::GetImage)));
        for other in [
            bucket("2", "eu-west-1", Api::GetImage),
            bucket("1", "eu-west-2", Api::GetImage),
            bucket("1", "eu-west-1", Api::DescribeStacks),
        ] {
            assert!(!Arc::ptr_eq(&one, &other));
        }
    }

    #[test]
    fn an_account_keeps_its_rate_limits_when_its_name_becomes_known() {
        let budgets = budgets();
        let unnamed = budgets.rate_limit("", &region("eu-west-1"), Api::GetImage);
        budgets.named("1");
        assert!(Arc::ptr_eq(&unnamed, &budgets.rate_limit("1", &region("eu-west-1"), Api::GetImage)));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_budget_no_call_is_delayed() {
        let bucket = Budgets::default().rate_limit("1", &region("eu-west-1"), Api::DescribeImages);
        tokio::time::timeout(Duration::from_secs(5), async {
            for _ in 0..10_000 {
                let _ = bucket.take(&turn(Priority::Urgent, "a")).await;
            }
        })
        .await
        .unwrap();
    }
}
