//! The flags of `logs` and `events`: whose build, and which part of what is told about it.

use super::aws::AwsArgs;
use super::cluster::ClusterArgs;
use super::value::{Maybe, duration, name, namespace};
use clap::{Args as ClapArgs, ValueEnum};
use jiff::Timestamp;
use std::time::Duration;

#[derive(Debug, ClapArgs)]
pub struct BuildArgs {
    /// Name of a CustomImage. Its status says in which account and region the build is.
    #[arg(required_unless_present = "image_id", conflicts_with = "image_id", value_parser = name)]
    pub name: Option<String>,
    /// Namespace of the CustomImage. Default: that of the kubeconfig's context.
    #[arg(short, long, conflicts_with = "image_id", value_parser = namespace)]
    pub namespace: Option<Maybe<String>>,
    /// Id of the image, in place of a CustomImage. No cluster is needed.
    #[arg(short, long, value_name = "ID", allow_hyphen_values = true)]
    pub image_id: Option<String>,
    /// Region of the image. Default: AWS_REGION, AWS_DEFAULT_REGION, then the profile's region.
    #[arg(short, long, requires = "image_id")]
    pub region: Option<String>,
    /// Go on until the build has ended.
    #[arg(short, long)]
    pub follow: bool,
    /// Begin with the newest ones, at most so many (up to 10,000). Default: all.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub tail: Option<u32>,
    /// Only what is newer than this, such as 1h.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub since: Option<Duration>,
    /// Text for people, or the JSON of the official program. With --follow, one line of JSON for each event.
    #[arg(short, long, value_enum, default_value_t = BuildOutput::Text)]
    pub output: BuildOutput,
    #[command(flatten)]
    pub cluster: ClusterArgs,
    #[command(flatten)]
    pub aws: AwsArgs,
}

impl BuildArgs {
    /// The time from which on something is told. `None`: from the beginning.
    #[must_use]
    pub fn begins_at(&self, now: Timestamp) -> Option<Timestamp> {
        now.checked_sub(self.since?).ok()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BuildOutput {
    Text,
    Json,
}
