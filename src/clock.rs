//! The wall clock, as a value. The operator has the system's clock. In a simulation, each replica has one of its own.

use jiff::Timestamp;

/// Tells the time. It may be set back at any moment.
#[derive(Clone, Copy, Debug)]
pub struct Clock(fn() -> Timestamp);

impl Clock {
    /// The clock of the system.
    pub const SYSTEM: Self = Self::new(Timestamp::now);

    /// A clock that shows what `now` returns.
    #[must_use]
    pub const fn new(now: fn() -> Timestamp) -> Self {
        Self(now)
    }

    #[must_use]
    pub fn now(self) -> Timestamp {
        (self.0)()
    }
}
