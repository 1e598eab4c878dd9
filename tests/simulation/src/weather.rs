//! The weather: which faults may strike, and how often. A seed decides each of them. In fair weather none strikes.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use parking_lot::Mutex;
use simulator::FaultKind;

use crate::time::{self, REPLICAS};

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
}

impl Sky {
    pub fn new(seed: u64, latency: Duration) -> Self {
        let (rng, weather) = (Rng::with_seed(seed), Weather::default());
        Self(Arc::new(Mutex::new(Inner { rng, weather, latency, forgets_until: 0.0 })))
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
    /// AWS alone is out of reach, or refuses.
    pub fn without_aws(rng: &mut Rng) -> Self {
        Self { aws: 100, of_aws: some(rng, of_aws()), ..Self::default() }
    }

    /// Bad weather of some kind.
    pub fn bad(rng: &mut Rng) -> Self {
        let mut weather = Self::default();
        if rng.u32(..100) < 75 {
            weather.aws = often(rng);
            weather.of_aws = some(rng, of_aws());
        }
        if rng.u32(..100) < 65 {
            weather.api = often(rng);
            weather.of_api = some(rng, of_api());
        }
        if rng.bool() {
            weather.watches = often(rng);
        }
        if rng.bool() {
            weather.events = often(rng).min(50);
        }
        weather.replica = (rng.u8(..4) == 0).then(|| rng.usize(..REPLICAS));
        weather.operation = (rng.u8(..4) == 0).then(|| rng.choice(OPERATIONS)).flatten();
        weather.path = (rng.u8(..4) == 0).then(|| rng.choice(PATHS)).flatten();
        weather
    }

    fn is_of(&self, replica: usize) -> bool {
        self.replica.is_none_or(|only| only == replica)
    }
}

const OPERATIONS: [&str; 5] =
    ["DescribeImages", "DescribeStacks", "DescribeStackResource", "DescribeStackEvents", "GetImage"];

const PATHS: [&str; 4] = ["/leases", "/events", "/status", "/customimages"];

/// Seldom, now and then, or nearly always.
fn often(rng: &mut Rng) -> u32 {
    [2, 10, 30, 60, 95, 100][rng.usize(..6)]
}

/// A few kinds of all.
fn some<T>(rng: &mut Rng, mut all: Vec<T>) -> Vec<T> {
    rng.shuffle(&mut all);
    all.truncate(rng.usize(1..=3));
    all
}

fn of_aws() -> Vec<OfAws> {
    let error = |status, code: &str| {
        OfAws::Fault(FaultKind::Error { status, code: code.into(), message: format!("{code} of the simulation") })
    };
    let replaced = |status, body: &str| {
        OfAws::Fault(FaultKind::ReplaceBody { status, body: body.into(), content_type: "text/html".into() })
    };
    vec![
        OfAws::Slow(Duration::from_secs(2)),
        OfAws::Slow(Duration::from_secs(25)),
        OfAws::Late,
        OfAws::Late,
        OfAws::Fault(FaultKind::Throttle),
        OfAws::Fault(FaultKind::Reset),
        OfAws::Fault(FaultKind::ResetMidBody),
        OfAws::Fault(FaultKind::CutShort { percent: 60 }),
        OfAws::Fault(FaultKind::EmptyBody),
        replaced(200, "<html>Welcome</html>"),
        replaced(404, "<html>Not found</html>"),
        replaced(503, "<html>Busy</html>"),
        error(403, "UnauthorizedOperation"),
        error(400, "AccessDenied"),
        error(500, "InternalError"),
        error(400, "InvalidParameterValue"),
        error(401, "AuthFailure"),
        OfAws::Unreachable,
        OfAws::Silent,
    ]
}

fn of_api() -> Vec<OfApi> {
    let refused = [400, 401, 403, 404, 409, 422, 429, 500, 503, 504].map(OfApi::Refused);
    let others = [
        OfApi::Slow,
        OfApi::Slow,
        OfApi::Unreachable,
        OfApi::LostReply,
        OfApi::LostReply,
        OfApi::Silent,
        OfApi::Swallowed,
    ];
    refused.into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::simulate;

    #[tokio::test(start_paused = true)]
    async fn each_operation_and_path_that_can_be_struck_alone_is_asked() {
        let mut missing: Vec<&str> = OPERATIONS.into_iter().chain(PATHS).collect();
        for seed in 0..20 {
            if !missing.is_empty() {
                let story = simulate(seed, 0.1).await.trace.story(usize::MAX);
                missing.retain(|name| !story.contains(&format!("{name} ")) && !story.contains(&format!("{name}/")));
            }
        }
        assert!(missing.is_empty(), "nothing asks for {missing:?}");
    }
}
