//! From a seed to what happens: the images in AWS and their fates, the weather, the lives of the processes, and what users
//! do.

mod images;

use std::time::Duration;

use fastrand::Rng;
use images::{crowd, fate, surroundings};
use simulator::World;

pub use images::ami;

use crate::users::Deed;
use crate::weather::Weather;

pub const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];
pub const NAMESPACES: [&str; 3] = ["team-a", "team-b", "team-c"];

/// How long the CRD may be gone, in seconds.
const MOST_CRD_GONE: u64 = 300;

/// What happens to the operator's surroundings at one moment.
#[derive(Clone, Debug)]
pub enum Turn {
    /// The weather changes.
    Weather(Weather),
    /// EC2 is eventually consistent: it forgets its AMIs for this time.
    Forget(Duration),
    /// AWS's lists have each entry twice for this time.
    Repeat(Duration),
    /// A process is killed, and starts again.
    Crash(usize),
    /// A process gets SIGTERM, and another one starts.
    Restart(usize),
    /// The wall clock of a replica is this many seconds off from now on.
    Skew(usize, i64),
    /// It gains so many seconds in an hour from now on.
    Drift(usize, f64),
    /// The configuration changes: only these namespaces may use the operator's identity.
    Allow(Vec<&'static str>),
    /// A user does something.
    User(Deed),
    /// The store of the API server is kept for later.
    Backup,
    /// It is set back to what was kept.
    SetBack,
    /// It has forgotten the history from which watches go on.
    Compact,
    /// The CRD is deleted with all objects, and comes back after this time.
    CrdGone(Duration),
}

/// A whole simulation.
#[derive(Clone, Debug)]
pub struct Plan {
    pub world: World,
    /// What happens, by seconds since the beginning.
    pub turns: Vec<(f64, Turn)>,
    /// How long a call or a request may take on its way, and its answer, in any weather.
    pub latency: Duration,
    /// From then on, nothing happens any more, and no fault strikes.
    pub calm_from: f64,
}

impl Plan {
    /// The plan of a seed, for so many hours of faults.
    pub fn of(seed: u64, hours: f64) -> Self {
        // Each part has its own chance, so that a new one does not change the others.
        let chance = |part: u64| Rng::with_seed(seed ^ part << 48);
        let calm_from = hours * 3600.0;
        let mut rng = chance(0);
        let ids: Vec<(String, &str)> = (0..rng.usize(1..=10))
            .map(|number| (format!("img-{number}"), REGIONS[usize::from(rng.u8(..5) == 0)]))
            .collect();
        let mut world = surroundings(&mut rng);
        let crowd: Vec<String> = if rng.u8(..15) == 0 { crowd(&mut rng, &mut world) } else { Vec::new() };
        for (id, region) in &ids {
            fate(&mut rng, &mut world, id, region, calm_from);
        }
        let mut turns = Vec::new();
        weather(&mut chance(1), &mut turns, calm_from);
        processes(&mut chance(2), &mut turns, calm_from);
        store(&mut chance(3), &mut turns, calm_from);
        users(&mut chance(4), &mut turns, &ids, calm_from);
        forgetting(&mut chance(5), &mut turns, calm_from);
        configuration(&mut chance(6), &mut turns, calm_from);
        drift(&mut chance(8), &mut turns, calm_from);
        odd_users(&mut chance(9), &mut turns, &ids, calm_from);
        repeating(&mut chance(10), &mut turns, calm_from);
        turns.extend(crowd.iter().map(|id| (10.0, Turn::User(Deed::create(&mut rng, id, REGIONS[0])))));
        turns.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let latency = Duration::from_millis([0, 100, 1500][chance(7).usize(..3)]);
        Self { world, turns, latency, calm_from }
    }
}

/// Bad weather and fair weather by turns.
fn weather(rng: &mut Rng, turns: &mut Vec<(f64, Turn)>, end: f64) {
    let mut at = rng.f64() * 300.0;
    while at < end {
        let is_long = rng.u8(..12) == 0;
        turns.push((at, Turn::Weather(if is_long { Weather::without_aws(rng) } else { Weather::bad(rng) })));
        at += if is_long { rng.f64() * 4.0 * 3600.0 } else { 20.0 + rng.f64() * rng.f64() * 2400.0 };
        turns.push((at.min(end), Turn::Weather(Weather::default())));
        at += rng.f64() * rng.f64() * 3600.0;
    }
}

/// For less than the 15 s that the operator waits before it believes that an AMI is gone.
fn forgetting(rng: &mut Rng, turns: &mut Vec<(f64, Turn)>, end: f64) {
    let often = rng.usize(0..=6);
    for _ in 0..(often as f64 * end / 3600.0) as usize {
        turns.push((rng.f64() * end, Turn::Forget(Duration::from_secs_f64(1.0 + rng.f64() * 13.0))));
    }
}

fn repeating(rng: &mut Rng, turns: &mut Vec<(f64, Turn)>, end: f64) {
    for _ in 0..rng.usize(..3) {
        turns.push((rng.f64() * end, Turn::Repeat(Duration::from_secs_f64(rng.f64() * 1800.0))));
    }
}

fn processes(rng: &mut Rng, turns: &mut Vec<(f64, Turn)>, end: f64) {
    let often = [0, 0, 1, 1, 2, 4, 6][rng.usize(..7)];
    for _ in 0..(f64::from(often) * end / 3600.0) as usize {
        let (at, replica) = (rng.f64() * end, rng.usize(..crate::time::REPLICAS));
        turns.push(match rng.u8(..6) {
            0 => (at, Turn::Restart(replica)),
            1 => (at, Turn::Skew(replica, [-7200, -300, -30, 0, 0, 30, 300, 7200][rng.usize(..8)])),
            _ => (at, Turn::Crash(replica)),
        });
    }
    for replica in 0..crate::time::REPLICAS {
        turns.push((end, Turn::Skew(replica, 0)));
    }
}

/// Some clocks are never quite right.
fn drift(rng: &mut Rng, turns: &mut Vec<(f64, Turn)>, end: f64) {
    for replica in 0..crate::time::REPLICAS {
        let gains = [0.0, 0.0, -60.0, -1.0, 1.0, 60.0][rng.usize(..6)];
        turns.extend([(0.0, Turn::Drift(replica, gains)), (end, Turn::Drift(replica, 0.0))]);
    }
}

fn odd_users(rng: &mut Rng, turns: &mut Vec<(f64, Turn)>, ids: &[(String, &str)], end: f64) {
    for _ in 0..rng.usize(..3) {
        let (id, _) = &ids[rng.usize(..ids.len())];
        turns.push((rng.f64() * end, Turn::User(Deed::odd(rng, id))));
    }
    // When the CRD is back, so that there is an object at the end.
    let last = Deed { namespace: NAMESPACES[0], ..Deed::create(rng, "last", REGIONS[0]) };
    turns.push((end + MOST_CRD_GONE as f64, Turn::User(last)));
}

fn configuration(rng: &mut Rng, turns: &mut Vec<(f64, Turn)>, end: f64) {
    let often = rng.usize(0..=2);
    for _ in 0..(often as f64 * end / 3600.0) as usize {
        let (from, some) = (rng.f64() * end, NAMESPACES.into_iter().filter(|_| rng.bool()).collect());
        let until = (from + rng.f64() * 3600.0).min(end);
        turns.extend([(from, Turn::Allow(some)), (until, Turn::Allow(NAMESPACES.to_vec()))]);
    }
}

fn store(rng: &mut Rng, turns: &mut Vec<(f64, Turn)>, end: f64) {
    let mut at = || rng.f64() * end;
    let (first, second, third) = (at(), at(), at());
    if rng.u8(..5) == 0 {
        turns.push((first.min(second), Turn::Backup));
        turns.push((first.max(second), Turn::SetBack));
    }
    if rng.u8(..3) == 0 {
        turns.push((third, Turn::Compact));
    }
    if rng.u8(..12) == 0 {
        turns.push((rng.f64() * end * 0.8, Turn::CrdGone(Duration::from_secs(rng.u64(1..MOST_CRD_GONE)))));
    }
}

fn users(rng: &mut Rng, turns: &mut Vec<(f64, Turn)>, ids: &[(String, &str)], end: f64) {
    // Nearly all images have an object from the beginning.
    for (id, region) in ids {
        if rng.u8(..10) > 0 {
            turns.push((rng.f64() * 30.0, Turn::User(Deed::create(rng, id, region))));
        }
    }
    let often = rng.usize(1..=20);
    for _ in 0..(often as f64 * end / 3600.0) as usize {
        let (id, region) = &ids[rng.usize(..ids.len())];
        turns.push((rng.f64() * end, Turn::User(Deed::any(rng, id, region))));
    }
}
