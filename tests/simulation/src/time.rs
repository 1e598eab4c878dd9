//! Virtual time. The runtime's paused clock is the only one; it moves on when every task waits. The wall clock of each
//! replica follows it, and may be set forward or back.

use std::cell::Cell;

use customimage_operator::clock::Clock;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// The replicas of the operator.
pub const REPLICAS: usize = 2;

/// When each simulation begins, in seconds since 1970.
const BEGIN: i64 = 1_800_000_000;

thread_local! {
    static BEGUN: Cell<Option<Instant>> = const { Cell::new(None) };
    /// How far the wall clock of each replica is off, in seconds.
    static SKEWS: [Cell<i64>; REPLICAS] = const { [Cell::new(0), Cell::new(0)] };
    /// How many seconds it gains in an hour, and since when.
    static DRIFTS: [Cell<(f64, f64)>; REPLICAS] = const { [Cell::new((0.0, 0.0)), Cell::new((0.0, 0.0))] };
}

/// Begins now, with true wall clocks.
pub fn begin() {
    BEGUN.set(Some(Instant::now()));
    SKEWS.with(|skews| skews.iter().for_each(|skew| skew.set(0)));
    DRIFTS.with(|drifts| drifts.iter().for_each(|drift| drift.set((0.0, 0.0))));
}

/// Seconds since the beginning.
pub fn elapsed() -> f64 {
    BEGUN.get().map_or(0.0, |begun| begun.elapsed().as_secs_f64())
}

/// The true time.
pub fn now() -> Timestamp {
    let passed = SignedDuration::try_from_secs_f64(elapsed()).unwrap_or_default();
    Timestamp::from_second(BEGIN).unwrap_or_default().checked_add(passed).unwrap_or_default()
}

/// Seconds from the beginning to a true time.
pub fn at(time: Timestamp) -> f64 {
    time.duration_since(Timestamp::from_second(BEGIN).unwrap_or_default()).as_secs_f64()
}

/// Sets the wall clock of a replica `skew` seconds off the true time.
pub fn set_skew(replica: usize, skew: i64) {
    SKEWS.with(|skews| skews[replica].set(skew));
}

/// From now on the wall clock of a replica gains so many seconds in an hour. What it gained before is corrected.
pub fn set_drift(replica: usize, seconds: f64) {
    DRIFTS.with(|drifts| drifts[replica].set((seconds, elapsed())));
}

/// The wall clock of a replica.
pub fn clock(replica: usize) -> Clock {
    Clock::new([skewed::<0>, skewed::<1>][replica])
}

fn skewed<const REPLICA: usize>() -> Timestamp {
    let skew = SKEWS.with(|skews| skews[REPLICA].get());
    let (gains, since) = DRIFTS.with(|drifts| drifts[REPLICA].get());
    let drift = SignedDuration::try_from_secs_f64(gains * (elapsed() - since) / 3600.0).unwrap_or_default();
    now().checked_add(SignedDuration::from_secs(skew) + drift).unwrap_or_default()
}
