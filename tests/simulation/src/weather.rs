//! The weather: which faults may strike, and how often. A seed decides each of them. In fair weather none strikes.

mod kinds;

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use parking_lot::Mutex;
use simulator::FaultKind;

use crate::time;

/// What strikes the calls to AWS.
#[derive(Clone, Debug)]
pub enum OfAws {
    /// The answer comes after this time.
    Slow(Duration),
    /// The answer is one of a little earlier: AWS is eventually consistent.
    Late,
    /// AWS, or something between, answers like this.
    Fault(FaultKind),
    /// There is no connection.
    Unreachable,
    /// The answer never comes.
    Silent,
}

/// What strikes the requests to the API server.
#[derive(Clone, Copy, Debug)]
pub enum OfApi {
    Slow,
    Refused(u16),
    Unreachable,
    /// It is done, and the connection breaks before the answer.
    LostReply,
    /// It is done, and never answered.
    Silent,
    /// It is not done, and never answered.
    Swallowed,
}

/// The faults of a while.
#[derive(Clone, Debug, Default)]
pub struct Weather {
    /// How many calls of a hundred are struck.
    pub aws: u32,
    pub of_aws: Vec<OfAws>,
    /// How many requests of a hundred are struck.
    pub api: u32,
    pub of_api: Vec<OfApi>,
    /// How many watches of a hundred are cut soon, begin too late, or list what is old.
    pub watches: u32,
    /// How many events of a hundred come late, twice, or break the watch off.
    pub events: u32,
    /// The only replica that is struck. `None`: all are.
    pub replica: Option<usize>,
    /// The only operation of AWS that is struck.
    pub operation: Option<&'static str>,
    /// Only requests to the API server are struck whose path has this part.
    pub path: Option<&'static str>,
}

/// The weather of one simulation. All clones share it.
#[derive(Clone, Debug)]
pub struct Sky(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    rng: Rng,
    weather: Weather,
    /// How long a call or a request may take on its way, and its answer, in any weather.
    latency: Duration,
    /// EC2 forgets its AMIs until then, in seconds since the beginning.
    forgets_until: f64,
    /// AWS's lists have each entry twice until then.
    repeats_until: f64,
}

impl Sky {
    pub fn new(seed: u64, latency: Duration) -> Self {
        let (rng, weather) = (Rng::with_seed(seed), Weather::default());
        Self(Arc::new(Mutex::new(Inner { rng, weather, latency, forgets_until: 0.0, repeats_until: 0.0 })))
    }

    pub fn set(&self, weather: Weather) {
        self.0.lock().weather = weather;
    }

    /// Whether nothing strikes what `replica` must do in the cluster.
    pub fn is_fair_in_cluster(&self, replica: usize) -> bool {
        let Inner { weather, .. } = &*self.0.lock();
        let api = if weather.path == Some("/events") { 0 } else { weather.api };
        !weather.is_of(replica) || api + weather.watches + weather.events == 0
    }

    /// EC2 forgets all AMIs for this time.
    pub fn forget_amis(&self, time: Duration) {
        self.0.lock().forgets_until = time::elapsed() + time.as_secs_f64();
    }

    /// AWS's lists have each entry twice for this time.
    pub fn repeat_entries(&self, time: Duration) {
        self.0.lock().repeats_until = time::elapsed() + time.as_secs_f64();
    }

    /// Whether AWS's lists have each entry twice.
    pub fn repeats_entries(&self) -> bool {
        time::elapsed() < self.0.lock().repeats_until
    }

    /// Whether EC2 has forgotten its AMIs.
    pub fn has_forgotten_amis(&self) -> bool {
        time::elapsed() < self.0.lock().forgets_until
    }

    /// What strikes a call of `replica`.
    pub fn aws(&self, replica: usize, operation: &str) -> Option<OfAws> {
        let Inner { rng, weather, .. } = &mut *self.0.lock();
        let is_meant = weather.is_of(replica) && weather.operation.is_none_or(|only| only == operation);
        (is_meant && rng.u32(..100) < weather.aws).then(|| rng.choice(weather.of_aws.iter()).cloned()).flatten()
    }

    /// What strikes a request of `replica`.
    pub fn api(&self, replica: usize, path: &str) -> Option<OfApi> {
        let Inner { rng, weather, .. } = &mut *self.0.lock();
        let is_meant = weather.is_of(replica) && weather.path.is_none_or(|only| path.contains(only));
        (is_meant && rng.u32(..100) < weather.api).then(|| rng.choice(weather.of_api.iter()).copied()).flatten()
    }

    /// Whether a watch of `replica` is struck. If it is: a number below `kinds`.
    pub fn watch(&self, replica: usize, kinds: usize) -> Option<usize> {
        self.strikes(replica, |weather| weather.watches, kinds)
    }

    /// Whether an event of a watch of `replica` is struck. If it is: a number below `kinds`.
    pub fn event(&self, replica: usize, kinds: usize) -> Option<usize> {
        self.strikes(replica, |weather| weather.events, kinds)
    }

    fn strikes(&self, replica: usize, percent: impl FnOnce(&Weather) -> u32, kinds: usize) -> Option<usize> {
        let Inner { rng, weather, .. } = &mut *self.0.lock();
        (weather.is_of(replica) && rng.u32(..100) < percent(weather)).then(|| rng.usize(..kinds))
    }

    /// How long one way takes, without a fault. `None` if it takes no time.
    pub fn latency(&self) -> Option<Duration> {
        let most = self.0.lock().latency;
        (most > Duration::ZERO).then(|| self.pause(most))
    }

    /// A random time up to `most`, mostly short.
    pub fn pause(&self, most: Duration) -> Duration {
        let share = self.0.lock().rng.f64();
        most.mul_f64(share * share * share)
    }
}

impl Weather {
    fn is_of(&self, replica: usize) -> bool {
        self.replica.is_none_or(|only| only == replica)
    }
}
