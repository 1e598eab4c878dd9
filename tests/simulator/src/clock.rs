//! The running clock of a world: real time at any speed, or a manual clock that moves only when it is advanced or set.

use std::time::Instant;

use jiff::fmt::temporal::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};

use crate::world::{ClockMode, ClockSetting};

pub(crate) struct Clock {
    base: Timestamp,
    loaded: Instant,
    speed: f64,
    moved: f64,
}

impl Clock {
    pub fn new(setting: &ClockSetting) -> Result<Self, String> {
        let base = match &setting.start {
            Some(start) => start.parse().map_err(|error| format!("clock.start: {error}"))?,
            None => Timestamp::now(),
        };
        let speed = match setting.mode {
            ClockMode::Real if setting.speed >= 0.0 => setting.speed,
            ClockMode::Real => return Err("clock.speed must be 0 or greater".into()),
            ClockMode::Manual => 0.0,
        };
        Ok(Self { base, loaded: Instant::now(), speed, moved: 0.0 })
    }

    /// World seconds since the world was loaded.
    pub fn elapsed(&self) -> f64 {
        self.moved + self.loaded.elapsed().as_secs_f64() * self.speed
    }

    pub fn now(&self) -> Timestamp {
        self.at(self.elapsed())
    }

    pub fn at(&self, elapsed: f64) -> Timestamp {
        SignedDuration::try_from_secs_f64(elapsed)
            .ok()
            .and_then(|passed| self.base.checked_add(passed).ok())
            .unwrap_or(self.base)
    }

    /// Seconds for rate limits: manual advances, and real seconds unless the speed is 0. A fast clock must not refill
    /// the buckets faster.
    pub fn limit_seconds(&self) -> f64 {
        self.moved + if self.speed > 0.0 { self.loaded.elapsed().as_secs_f64() } else { 0.0 }
    }

    pub fn advance(&mut self, seconds: f64) {
        self.moved += seconds;
    }

    pub fn set(&mut self, now: Timestamp) {
        self.moved += now.duration_since(self.now()).as_secs_f64();
    }
}

/// Formats a time like EC2 and CloudFormation: UTC with three decimals.
pub(crate) fn written(time: Timestamp) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
    PRINTER.timestamp_to_string(&time)
}

/// Formats a time like an HTTP header.
pub(crate) fn written_for_http(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(mode: ClockMode, speed: f64) -> Clock {
        let start = Some("2025-03-01T12:00:00Z".to_owned());
        Clock::new(&ClockSetting { mode, start, speed }).unwrap()
    }

    #[test]
    fn a_manual_clock_moves_only_when_it_is_advanced_or_set() {
        let mut clock = clock(ClockMode::Manual, 1.0);
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert_eq!(written(clock.now()), "2025-03-01T12:00:00.000Z");
        clock.advance(1.5);
        assert_eq!(written(clock.now()), "2025-03-01T12:00:01.500Z");
        clock.set("2025-03-01T12:01:00Z".parse().unwrap());
        assert_eq!((clock.elapsed(), clock.limit_seconds()), (60.0, 60.0));
    }

    #[test]
    fn a_time_is_written_with_three_decimals_that_are_cut() {
        let time: Timestamp = "2025-03-01T12:00:00.9999Z".parse().unwrap();
        assert_eq!(written(time), "2025-03-01T12:00:00.999Z");
        assert_eq!(written(Timestamp::UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn a_fast_clock_does_not_refill_rate_limits_faster() {
        let clock = clock(ClockMode::Real, 1000.0);
        std::thread::sleep(std::time::Duration::from_millis(5));
        assert!(clock.elapsed() >= 5.0);
        assert!(clock.limit_seconds() < 5.0);
    }
}
