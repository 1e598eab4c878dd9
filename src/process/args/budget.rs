//! How much of AWS's limits may be used.

use crate::aws::{Budget, Limit};
use clap::Args as ClapArgs;

/// Of each account and region, by all identities together.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "AWS budget")]
pub struct BudgetArgs {
    /// Share of AWS's limits that reads may use, in percent; the rest is for everybody else in the account.
    #[arg(long, env = "CUSTOMIMAGE_AWS_BUDGET", value_name = "PERCENT", default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub aws_budget: u32,
    /// Calls a second that CloudFormation and Image Builder are taken to allow, for each of their APIs: they publish none.
    #[arg(long, env = "CUSTOMIMAGE_AWS_ASSUMED_RATE", value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub aws_assumed_rate: u32,
    /// And calls at once.
    #[arg(long, env = "CUSTOMIMAGE_AWS_ASSUMED_BURST", value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub aws_assumed_burst: u32,
}

impl BudgetArgs {
    #[must_use]
    pub fn budget(&self) -> Budget {
        let assumed = Limit { burst: self.aws_assumed_burst, per_second: self.aws_assumed_rate };
        Budget { percent: self.aws_budget, assumed }
    }
}
