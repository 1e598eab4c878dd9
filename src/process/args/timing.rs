//! The flags for how often AWS is read, and for how long a state may last.
//! The chart sets the same defaults in its values.yaml; a test compares them.

use super::value::duration;
use crate::kubernetes::GracePeriods;
use crate::reflector::intervals::Intervals;
use clap::Args as ClapArgs;
use jiff::SignedDuration;
use std::time::Duration;

/// How often AWS is read (each interval within ±10 %), and how long a state may last.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "Timing")]
pub struct TimingArgs {
    /// Time between two reads of an image that is being built or deleted.
    #[arg(long, env = "CUSTOMIMAGE_IN_PROGRESS_INTERVAL", value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub in_progress_interval: Duration,
    /// Time between two reads of a settled image.
    #[arg(long, env = "CUSTOMIMAGE_SETTLED_INTERVAL", value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub settled_interval: Duration,
    /// Time between two reads of an image that does not exist, at first; it grows up to the maximum.
    #[arg(long, env = "CUSTOMIMAGE_ABSENT_INTERVAL", value_name = "DURATION", default_value = "1m", value_parser = duration)]
    pub absent_interval: Duration,
    /// Maximum time between two reads of an image that does not exist.
    #[arg(long, env = "CUSTOMIMAGE_ABSENT_INTERVAL_MAX", value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub absent_interval_max: Duration,
    /// Backoff after the first error; it doubles with each further error, up to the maximum.
    #[arg(long, env = "CUSTOMIMAGE_ERROR_INTERVAL", value_name = "DURATION", default_value = "5s", value_parser = duration)]
    pub error_interval: Duration,
    /// Maximum backoff after errors.
    #[arg(long, env = "CUSTOMIMAGE_ERROR_INTERVAL_MAX", value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub error_interval_max: Duration,
    /// Time from a CustomImage's creation until an image that never existed counts as failed.
    #[arg(long, env = "CUSTOMIMAGE_NOT_FOUND_GRACE", value_name = "DURATION", default_value = "2h", value_parser = duration)]
    pub not_found_grace: Duration,
    /// Time from the end of a build until its missing AMI counts as orphaned.
    #[arg(long, env = "CUSTOMIMAGE_FINALIZING_PERIOD", value_name = "DURATION", default_value = "30m", value_parser = duration)]
    pub finalizing_period: Duration,
    /// Time from the first error until a status that was good before reports it.
    #[arg(long, env = "CUSTOMIMAGE_ERROR_GRACE", value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub error_grace: Duration,
    /// Maximum age of the last answer. If it is older, Ready is Unknown. At least three intervals are always allowed.
    #[arg(long, env = "CUSTOMIMAGE_STALENESS_BUDGET", value_name = "DURATION", default_value = "30m", value_parser = duration)]
    pub staleness_budget: Duration,
}

impl TimingArgs {
    #[must_use]
    pub fn intervals(&self) -> Intervals {
        Intervals {
            in_progress: self.in_progress_interval,
            settled: self.settled_interval,
            absent: self.absent_interval,
            absent_max: self.absent_interval_max,
            error: self.error_interval,
            error_max: self.error_interval_max,
            finalizing: self.finalizing_period,
        }
    }

    #[must_use]
    pub fn grace_periods(&self) -> GracePeriods {
        GracePeriods {
            not_found: signed(self.not_found_grace),
            finalizing: signed(self.finalizing_period),
            error: signed(self.error_grace),
            staleness_budget: signed(self.staleness_budget),
        }
    }
}

/// The conversion always fits, because a time on the command line is at most a year.
fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
