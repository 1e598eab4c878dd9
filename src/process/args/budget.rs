//! The flags of the budget: the share of AWS's limits that the operator may use.

use crate::aws::{Budget, Limit};
use clap::Args as ClapArgs;

/// The budget is for each account and region. All identities of an account share it.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "AWS budget")]
pub struct BudgetArgs {
    /// Share of AWS's limits that reads may use, in percent; the rest is for the other users of the account.
    #[arg(long, env = "CUSTOMIMAGE_AWS_BUDGET", value_name = "PERCENT", default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub aws_budget: u32,
    /// Assumed rate limit of each CloudFormation and Image Builder API, in calls per second: AWS publishes none.
    #[arg(long, env = "CUSTOMIMAGE_AWS_ASSUMED_RATE", value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub aws_assumed_rate: u32,
    /// Assumed burst of each CloudFormation and Image Builder API, in calls at once.
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
