//! The flags of the watch. They are hidden, because only tests need other times.

use super::value::duration;
use crate::kubernetes::WatchTimes;
use clap::Args as ClapArgs;
use std::time::Duration;

#[derive(Clone, Debug, ClapArgs)]
pub struct WatchArgs {
    /// How long a watch may deliver nothing until it is started again; more than 5 s.
    #[arg(long, env = "CUSTOMIMAGE_WATCH_SILENCE", hide = true, value_name = "DURATION", default_value = "2m", value_parser = duration)]
    pub watch_silence: Duration,
    /// How long a watch may fail until the process is not ready.
    #[arg(long, env = "CUSTOMIMAGE_WATCH_PATIENCE", hide = true, value_name = "DURATION", default_value = "1m", value_parser = duration)]
    pub watch_patience: Duration,
    /// Time between two comparisons of the watched objects with the API server's.
    #[arg(long, env = "CUSTOMIMAGE_COMPARISON_INTERVAL", hide = true, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub comparison_interval: Duration,
    /// How long a difference must last before all objects are listed anew.
    #[arg(long, env = "CUSTOMIMAGE_COMPARISON_LAG", hide = true, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    pub comparison_lag: Duration,
}

impl WatchArgs {
    #[must_use]
    pub fn times(&self) -> WatchTimes {
        WatchTimes {
            silence: self.watch_silence,
            patience: self.watch_patience,
            comparison_interval: self.comparison_interval,
            comparison_lag: self.comparison_lag,
        }
    }
}
