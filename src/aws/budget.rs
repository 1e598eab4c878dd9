//! The share of AWS's limits that this process uses: a token bucket for each account, region and API, whichever scopes are
//! read. A call waits for its token; once AWS throttles, the bucket is empty, and fills at half its rate for a while.

use crate::describe_image::Region;
use crate::describe_image::source::Priority;
use leaky_bucket::RateLimiter;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Attempts that may be owed for each token that the bucket holds.
const MOST_OWED: usize = 10;

/// A process that starts does not know what the one before has used: its rate_limits are filled by less than half, in percent. For
/// EC2 that is ten calls, the pages of ten thousand images.
const FILLED_AT_START: usize = 40;

/// For so long after AWS has throttled a token counts for half.
const RECOVERY: Duration = Duration::from_secs(60);

/// Whoever may create objects may invent names of regions. Past it those that no scope has go.
const MOST_RATE_LIMITS: usize = 8000;

/// The APIs that AWS limits on their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Api {
    DescribeImages,
    DescribeStacks,
    DescribeStackResource,
    GetImage,
}

/// A limit of AWS: so many calls at once, and so many a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub burst: u32,
    pub per_second: u32,
}

/// What EC2 publishes for DescribeImages, an unfiltered or paginated one included.
const DESCRIBE_IMAGES: Limit = Limit { burst: 100, per_second: 20 };

/// How much of the limits may be used.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// 1 to 100.
    pub percent: u32,
    /// The limit of each API for which AWS publishes none.
    pub assumed: Limit,
}

impl Budget {
    fn limit(&self, api: Api) -> Limit {
        match api {
            Api::DescribeImages => DESCRIBE_IMAGES,
            Api::DescribeStacks | Api::DescribeStackResource | Api::GetImage => self.assumed,
        }
    }
}

/// All rate_limits of the process. Without a budget they hold nothing back.
#[derive(Debug, Default)]
pub struct Budgets {
    budget: Option<Budget>,
    rate_limits: Mutex<HashMap<(String, Region, Api), Arc<RateLimit>>>,
}

impl Budgets {
    #[must_use]
    pub fn new(budget: Budget) -> Self {
        Self { budget: Some(budget), rate_limits: Mutex::default() }
    }

    /// The bucket that all scopes of `account` in `region` share for `api`.
    pub fn rate_limit(&self, account: &str, region: &Region, api: Api) -> Arc<RateLimit> {
        let mut rate_limits = self.rate_limits.lock();
        if rate_limits.len() >= MOST_RATE_LIMITS {
            rate_limits.retain(|_, bucket| Arc::strong_count(bucket) > 1);
        }
        let new = || Arc::new(RateLimit(self.budget.map(|budget| Limited::new(&budget, api))));
        rate_limits.entry((account.to_owned(), region.clone(), api)).or_insert_with(new).clone()
    }

    /// What an unnamed account has used of its rate_limits, `account` has: it is the same one.
    pub fn named(&self, account: &str) {
        let mut rate_limits = self.rate_limits.lock();
        let unnamed: Vec<_> = rate_limits.extract_if(|(account, _, _), _| account.is_empty()).collect();
        for ((_, region, api), bucket) in unnamed {
            rate_limits.entry((account.to_owned(), region, api)).or_insert(bucket);
        }
    }
}

/// The tokens of one account, region and API.
#[derive(Debug, Default)]
pub struct RateLimit(Option<Limited>);

#[derive(Debug)]
struct Limited {
    tokens: RateLimiter,
    /// First come, first served; the crate's own waiters may be passed by a newcomer.
    line: Semaphore,
    /// Of background calls one at a time stands in line, so that an urgent one waits for one of them at the most, and they
    /// still come on while many urgent ones do.
    background: Semaphore,
    throttled_at: Mutex<Option<Instant>>,
    /// Attempts that no token was taken for.
    owed: AtomicUsize,
}

impl RateLimit {
    /// Waits for a token, and pays what is owed.
    pub async fn take(&self, priority: Priority) {
        let Some(limited) = &self.0 else { return };
        let is_background = priority == Priority::Background;
        let _turn = if is_background { limited.background.acquire().await.ok() } else { None };
        let _place = limited.line.acquire().await;
        limited.tokens.acquire(limited.price()).await;
    }

    /// The SDK has tried a call again, and cannot wait in between.
    pub fn owe(&self) {
        if let Some(limited) = &self.0 {
            // While AWS throttles for hours debts must not grow beyond what can be paid.
            let most = limited.tokens.max().saturating_mul(MOST_OWED);
            let owe = |owed: usize| Some(owed.saturating_add(1).min(most));
            let _ = limited.owed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, owe);
        }
    }

    /// AWS has throttled: somebody else uses the account, too, or its limits are others.
    pub fn throttled(&self) {
        if let Some(limited) = &self.0 {
            *limited.throttled_at.lock() = Some(Instant::now());
            while limited.tokens.try_acquire(1) {}
        }
    }
}

impl Limited {
    fn new(budget: &Budget, api: Api) -> Self {
        let Limit { burst, per_second } = budget.limit(api);
        let share = |number: u32| f64::from(number) * f64::from(budget.percent) / 100.0;
        // A tick may bring several tokens: the crate counts in milliseconds.
        let rate = share(per_second).max(0.01);
        let refill = (rate / 100.0).round().max(1.0);
        let tick = Duration::from_millis((refill * 1000.0 / rate).ceil() as u64);
        // A token that counts for half takes two.
        let burst = share(burst).max(2.0) as usize;
        let initial = (burst * FILLED_AT_START / 100).max(1);
        let tokens = RateLimiter::builder().max(burst).initial(initial).refill(refill as usize).interval(tick).build();
        let (line, background) = (Semaphore::new(1), Semaphore::new(1));
        Self { tokens, line, background, throttled_at: Mutex::default(), owed: AtomicUsize::new(0) }
    }

    /// What the next call costs; more than the bucket holds comes in over several refills.
    fn price(&self) -> usize {
        let is_recovering = self.throttled_at.lock().is_some_and(|at| at.elapsed() < RECOVERY);
        let a_call = if is_recovering { 2 } else { 1 };
        a_call * (1 + self.owed.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(name: &str) -> Region {
        Region::parse(name).unwrap()
    }

    /// 40 a second, two at once: quick enough for a test.
    fn budgets() -> Budgets {
        Budgets::new(Budget { percent: 25, assumed: Limit { burst: 8, per_second: 160 } })
    }

    async fn taken_within(bucket: &RateLimit, time: Duration) -> u32 {
        let end = Instant::now() + time;
        let mut taken = 0;
        while tokio::time::timeout_at(end, bucket.take(Priority::Urgent)).await.is_ok() {
            taken += 1;
        }
        taken
    }

    #[tokio::test(start_paused = true)]
    async fn a_quarter_of_the_limit_is_used_and_never_more() {
        let taken =
            taken_within(&budgets().rate_limit("1", &region("eu-west-1"), Api::GetImage), Duration::from_millis(500))
                .await;
        assert!((15..=23).contains(&taken), "one at once, and 20 in half a second: {taken}");
    }

    #[tokio::test(start_paused = true)]
    async fn after_throttling_the_bucket_is_empty_and_fills_at_half_its_rate() {
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
        assert!((5..=13).contains(&taken), "one at once, 20 in half a second, but 10 were taken before: {taken}");
    }

    #[tokio::test(start_paused = true)]
    async fn retries_are_paid_for_while_aws_throttles_and_no_debt_lasts_for_hours() {
        let bucket = budgets().rate_limit("1", &region("eu-west-1"), Api::GetImage);
        bucket.throttled();
        (0..100_000).for_each(|_| bucket.owe());
        let taken = taken_within(&bucket, Duration::from_millis(2500)).await;
        assert!((25..=31).contains(&taken), "100 tokens, 2 a call, and 20 calls are owed: {taken}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_urgent_call_passes_a_hundred_background_ones_and_does_not_stop_them() {
        let bucket = budgets().rate_limit("1", &region("eu-west-1"), Api::GetImage);
        let background = (0..100).map(|_| bucket.take(Priority::Background)).collect::<futures::future::JoinAll<_>>();
        let urgent = async {
            // They stand in line.
            tokio::time::sleep(Duration::from_millis(100)).await;
            let begun = Instant::now();
            for _ in 0..10 {
                bucket.take(Priority::Urgent).await;
            }
            begun.elapsed()
        };
        let begun = Instant::now();
        let (urgent, _) = tokio::join!(urgent, background);
        assert!(
            urgent <= Duration::from_millis(500),
            "10 of 40 a second, and as many background ones between: {urgent:?}"
        );
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn the_greatest_rates_and_the_smallest_shares_are_rate_limits_too() {
        for (percent, per_second, burst) in [(1, 1, 1), (25, 10_000, 10_000), (100, 10_000, 1), (100, 1, 10_000)] {
            let budgets = Budgets::new(Budget { percent, assumed: Limit { burst, per_second } });
            budgets.rate_limit("1", &region("eu-west-1"), Api::GetImage).take(Priority::Urgent).await;
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
    fn an_account_that_gets_its_name_keeps_its_rate_limits() {
        let budgets = budgets();
        let unnamed = budgets.rate_limit("", &region("eu-west-1"), Api::GetImage);
        budgets.named("1");
        assert!(Arc::ptr_eq(&unnamed, &budgets.rate_limit("1", &region("eu-west-1"), Api::GetImage)));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_budget_nothing_is_held_back() {
        let bucket = Budgets::default().rate_limit("1", &region("eu-west-1"), Api::DescribeImages);
        tokio::time::timeout(Duration::from_secs(5), async {
            for _ in 0..10_000 {
                bucket.take(Priority::Urgent).await;
            }
        })
        .await
        .unwrap();
    }
}
