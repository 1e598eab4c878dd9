//! The kinds of bad weather.

use std::time::Duration;

use fastrand::Rng;
use simulator::FaultKind;

use super::{OfApi, OfAws, Weather};
use crate::time::REPLICAS;

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
