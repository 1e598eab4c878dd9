//! The flags of `run`, and the settings that they become.

use super::api::ApiArgs;
use super::aws::AwsArgs;
use super::budget::BudgetArgs;
use super::cluster::ClusterArgs;
use super::leadership::LeadershipArgs;
use super::log::LogArgs;
use super::mirror::{ConfigurationUrl, MirrorArgs};
use super::timing::TimingArgs;
use super::value::duration;
use super::watch::WatchArgs;
use crate::clock::Clock;
use crate::describe_image::Region;
use crate::kubernetes::ControllerSettings;
use crate::reflector::ReflectorSettings;
use clap::Args as ClapArgs;
use std::net::SocketAddr;
use std::time::Duration;

#[derive(Debug, ClapArgs)]
pub struct RunArgs {
    #[command(flatten)]
    pub mirror: MirrorArgs,
    /// Address on which /livez, /readyz and /metrics are served.
    #[arg(long, env = "CUSTOMIMAGE_LISTEN", value_name = "ADDRESS", default_value = "[::]:8080")]
    pub listen: SocketAddr,
    /// Maximum number of CustomImages that are reconciled at once.
    #[arg(long, env = "CUSTOMIMAGE_CONCURRENCY", value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub concurrency: u16,
    /// Time that a read waits for other reads, so that up to 200 images share one call.
    #[arg(long, env = "CUSTOMIMAGE_BATCH_WINDOW", value_name = "DURATION", default_value = "100ms", value_parser = duration)]
    pub batch_window: Duration,
    /// Whether images share calls. Turn it off only for a comparison.
    #[arg(long, env = "CUSTOMIMAGE_BATCHING", hide = true, default_value = "on", action = clap::ArgAction::Set, value_parser = clap::builder::BoolishValueParser::new())]
    pub batching: bool,
    /// Timeout of each write to the API server.
    #[arg(long, env = "CUSTOMIMAGE_WRITE_TIMEOUT", value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub write_timeout: Duration,
    /// Time that running reconciles have to finish after SIGTERM.
    #[arg(long, env = "CUSTOMIMAGE_SHUTDOWN_TIMEOUT", value_name = "DURATION", default_value = "20s", value_parser = duration)]
    pub shutdown_timeout: Duration,
    #[command(flatten)]
    pub leadership: LeadershipArgs,
    #[command(flatten)]
    pub timing: TimingArgs,
    #[command(flatten)]
    pub budget: BudgetArgs,
    #[command(flatten)]
    pub watch: WatchArgs,
    #[command(flatten)]
    pub api: ApiArgs,
    #[command(flatten)]
    pub cluster: ClusterArgs,
    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub aws: AwsArgs,
}

impl RunArgs {
    /// The settings of the controller. Objects without a region are in `default_region`.
    #[must_use]
    pub fn controller(&self, default_region: Option<Region>) -> ControllerSettings {
        ControllerSettings {
            namespaces: self.mirror.namespaces(),
            periods: self.timing.grace_periods(),
            intervals: self.timing.intervals(),
            default_region,
            presigned_urls: self.mirror.configuration_url == ConfigurationUrl::Presigned,
            write_timeout: self.write_timeout,
            concurrency: self.concurrency,
            clock: Clock::SYSTEM,
        }
    }

    /// The settings of the reflector.
    #[must_use]
    pub fn reflector(&self) -> ReflectorSettings {
        ReflectorSettings {
            batch_window: self.batch_window,
            intervals: self.timing.intervals(),
            staleness_budget: self.timing.staleness_budget,
            batching: self.batching,
            random: fastrand::f64,
            clock: Clock::SYSTEM,
        }
    }
}
