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
}

/// Begins now, with true wall clocks.
pub fn begin() {
    BEGUN.set(Some(Instant::now()));
    SKEWS.with(|skews| skews.iter().for_each(|skew| skew.set(0)));
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

/// The wall clock of a replica.
pub fn clock(replica: usize) -> Clock {
    Clock::new([skewed::<0>, skewed::<1>][replica])
}

fn skewed<const REPLICA: usize>() -> Timestamp {
    let skew = SKEWS.with(|skews| skews[REPLICA].get());
    now().checked_add(SignedDuration::from_secs(skew)).unwrap_or_default()
}
