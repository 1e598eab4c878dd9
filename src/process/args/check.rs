//! The flags of `check`: what is checked, and how the result is printed.

use super::api::ApiArgs;
use super::aws::AwsArgs;
use super::cluster::ClusterArgs;
use super::leadership::LeadershipArgs;
use super::mirror::MirrorArgs;
use clap::{Args as ClapArgs, ValueEnum};

#[derive(Debug, ClapArgs)]
pub struct CheckArgs {
    #[command(flatten)]
    pub mirror: MirrorArgs,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t = CheckOutput::Table)]
    pub output: CheckOutput,
    #[command(flatten)]
    pub leadership: LeadershipArgs,
    #[command(flatten)]
    pub api: ApiArgs,
    #[command(flatten)]
    pub cluster: ClusterArgs,
    #[command(flatten)]
    pub aws: AwsArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckOutput {
    Table,
    Json,
    Yaml,
}
