//! The command line and its environment: every setting with its unit and default. A wrong value is refused at the
//! start, naming it.

pub mod budget;
pub mod leadership;
pub mod list;
pub mod mirror;
pub mod value;

use crate::aws::{Settings, TrustedCa};
use budget::BudgetArgs;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use leadership::LeadershipArgs;
pub use list::{ListArgs, ListOutput};
pub use mirror::{ConfigurationUrl, MirrorArgs};
use std::net::SocketAddr;
use std::time::Duration;
use value::{Maybe, duration, log_filter, trusted_ca};

/// Mirrors AWS ParallelCluster custom images into Kubernetes, read-only.
///
/// A CustomImage resource names an image (spec.imageId, spec.region); its status holds all that ParallelCluster's
/// describeImage answers. Nothing in AWS is ever created, tagged or deleted.
#[derive(Debug, Parser)]
#[command(name = "customimage-operator", version, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the controller, until SIGTERM.
    ///
    /// Finds the API server as kubectl does (KUBECONFIG, ~/.kube/config, or the pod's own ServiceAccount) and AWS as the
    /// AWS CLI does (environment, profile, web identity, EKS Pod Identity, instance metadata; AWS_ENDPOINT_URL,
    /// HTTPS_PROXY and NO_PROXY are honoured). The CRD must be installed first.
    #[command(
        after_help = "Example:\n  customimage-operator crd | kubectl apply -f -\n  customimage-operator run --region eu-west-1"
    )]
    Run(Box<RunArgs>),
    /// Print the CustomResourceDefinition as YAML.
    #[command(after_help = "Example:\n  customimage-operator crd | kubectl apply -f -")]
    Crd,
    /// Answer describeImage once, on stdout, and exit.
    ///
    /// The same body as `pcluster describe-image`, without Python and without its side effects: it never creates or
    /// configures a bucket. Exit 0 with the response, 1 with {"message": …} when the API would answer an error,
    /// 2 when the command line is wrong.
    #[command(after_help = "Example:\n  customimage-operator describe --image-id hpc-base --region eu-west-1")]
    Describe(DescribeArgs),
    /// List every image and image stack of an account in a region, and exit.
    ///
    /// As `pcluster list-images`, for all its statuses at once and to the last page. As manifests it is what mirrors them all.
    /// Needs ec2:DescribeImages, cloudformation:DescribeStacks and cloudformation:ListStacks. Exit 0 with the list, 1 when AWS
    /// does not answer to the end, 2 when the command line is wrong.
    #[command(
        after_help = "Example:\n  customimage-operator list --region eu-west-1 --output manifests | kubectl apply -f -"
    )]
    List(ListArgs),
    /// Tell whether the operator can do its work here.
    ///
    /// Takes the settings of `run`. Looks at the API server and the rights there, then tries each action of the AWS policy
    /// with each identity in each of its regions, by reads of things that do not exist. Changes nothing. Exit 0 when all is
    /// well, 1 when not; each red line is followed by its fix.
    #[command(after_help = "Example:\n  customimage-operator check --region eu-west-1")]
    Check(Box<CheckArgs>),
    /// Print a completion script for a shell.
    #[command(after_help = "Example:\n  source <(customimage-operator completions bash)")]
    Completions { shell: Shell },
}

#[derive(Debug, ClapArgs)]
pub struct RunArgs {
    #[command(flatten)]
    pub mirror: MirrorArgs,
    /// Address of /livez, /readyz and /metrics.
    #[arg(long, env = "CUSTOMIMAGE_LISTEN", value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// CustomImages reconciled at once.
    #[arg(long, env = "CUSTOMIMAGE_CONCURRENCY", value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub concurrency: u16,
    /// Time that a look waits for others, so that up to 200 images share a call.
    #[arg(long, env = "CUSTOMIMAGE_BATCH_WINDOW", value_name = "DURATION", default_value = "100ms", value_parser = duration)]
    pub batch_window: Duration,
    /// Whether images share calls; off for comparison only.
    #[arg(long, env = "CUSTOMIMAGE_BATCHING", hide = true, default_value = "on", action = clap::ArgAction::Set, value_parser = clap::builder::BoolishValueParser::new())]
    pub batching: bool,
    /// Time for each write to the API server.
    #[arg(long, env = "CUSTOMIMAGE_WRITE_TIMEOUT", value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub write_timeout: Duration,
    /// Time after SIGTERM for what is under way to end.
    #[arg(long, env = "CUSTOMIMAGE_SHUTDOWN_TIMEOUT", value_name = "DURATION", default_value = "20s", value_parser = duration)]
    pub shutdown_timeout: Duration,
    #[command(flatten)]
    pub leadership: LeadershipArgs,
    #[command(flatten)]
    pub timing: TimingArgs,
    #[command(flatten)]
    pub budget: BudgetArgs,
    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub aws: AwsArgs,
}

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
    pub aws: AwsArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckOutput {
    Table,
    Json,
}

/// How often AWS is looked at (each within ±10 %), and how long a state may last.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "Timing")]
pub struct TimingArgs {
    /// Between two looks at an image that is being built or deleted.
    #[arg(long, env = "CUSTOMIMAGE_IN_PROGRESS_INTERVAL", value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub in_progress_interval: Duration,
    /// Between two looks at an image that is settled.
    #[arg(long, env = "CUSTOMIMAGE_SETTLED_INTERVAL", value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub settled_interval: Duration,
    /// Between two looks for an image that is not there, at first.
    #[arg(long, env = "CUSTOMIMAGE_ABSENT_INTERVAL", value_name = "DURATION", default_value = "1m", value_parser = duration)]
    pub absent_interval: Duration,
    /// And at last.
    #[arg(long, env = "CUSTOMIMAGE_ABSENT_INTERVAL_MAX", value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub absent_interval_max: Duration,
    /// After an error, at first; doubled with each further one.
    #[arg(long, env = "CUSTOMIMAGE_ERROR_INTERVAL", value_name = "DURATION", default_value = "5s", value_parser = duration)]
    pub error_interval: Duration,
    /// And at last.
    #[arg(long, env = "CUSTOMIMAGE_ERROR_INTERVAL_MAX", value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub error_interval_max: Duration,
    /// From a CustomImage's creation until an image that was never there counts as failed.
    #[arg(long, env = "CUSTOMIMAGE_NOT_FOUND_GRACE", value_name = "DURATION", default_value = "2h", value_parser = duration)]
    pub not_found_grace: Duration,
    /// From the end of a build until its missing AMI counts as orphaned.
    #[arg(long, env = "CUSTOMIMAGE_FINALIZING_PERIOD", value_name = "DURATION", default_value = "30m", value_parser = duration)]
    pub finalizing_period: Duration,
    /// From the first error until a status that was good before shows it.
    #[arg(long, env = "CUSTOMIMAGE_ERROR_GRACE", value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub error_grace: Duration,
    /// Age of the last answer past which Ready is Unknown; never less than three intervals.
    #[arg(long, env = "CUSTOMIMAGE_STALENESS_BUDGET", value_name = "DURATION", default_value = "30m", value_parser = duration)]
    pub staleness_budget: Duration,
}

#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "Log")]
pub struct LogArgs {
    /// Format of the log, on stderr.
    #[arg(long, env = "CUSTOMIMAGE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// What is logged: a level, or levels by module, such as info,customimage_operator=debug.
    #[arg(long, env = "CUSTOMIMAGE_LOG", value_name = "FILTER", default_value = "info", value_parser = log_filter)]
    pub log: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, ClapArgs)]
pub struct DescribeArgs {
    /// Id of the image: a letter, then letters, digits and hyphens; at most 128.
    #[arg(short, long, value_name = "ID", allow_hyphen_values = true)]
    pub image_id: String,
    /// Region of the image. Default: AWS_REGION, AWS_DEFAULT_REGION, then the profile's.
    #[arg(short, long)]
    pub region: Option<String>,
    /// Format of the answer.
    #[arg(short, long, value_enum, default_value_t = Output::Json)]
    pub output: Output,
    #[command(flatten)]
    pub aws: AwsArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Json,
    Yaml,
}

/// How to talk to AWS. Credentials, endpoints and proxies come from where every AWS tool has them.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "AWS")]
pub struct AwsArgs {
    /// Time to connect, such as 3s or 500ms.
    #[arg(long, env, value_name = "DURATION", default_value = "3s", value_parser = duration)]
    pub aws_connect_timeout: Duration,
    /// Time for one attempt, to the last byte of the reply.
    #[arg(long, env, value_name = "DURATION", default_value = "20s", value_parser = duration)]
    pub aws_attempt_timeout: Duration,
    /// Time for a call with all its retries.
    #[arg(long, env, value_name = "DURATION", default_value = "1m", value_parser = duration)]
    pub aws_operation_timeout: Duration,
    /// Attempts of one call, the first included; the pauses between them grow and are jittered.
    #[arg(long, env, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    pub aws_max_attempts: u32,
    /// PEM file of certificates to trust beside the system's.
    #[arg(long, env, value_name = "FILE", value_parser = trusted_ca, default_value = "", hide_default_value = true)]
    pub aws_ca_bundle: Maybe<TrustedCa>,
}

impl AwsArgs {
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            connect_timeout: self.aws_connect_timeout,
            attempt_timeout: self.aws_attempt_timeout,
            operation_timeout: self.aws_operation_timeout,
            max_attempts: self.aws_max_attempts,
            trusted_ca: self.aws_ca_bundle.0.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn namespaces_are_separated_by_commas_each_counts_once_and_an_empty_setting_is_all() {
        for (setting, expected) in [("", &[][..]), ("b, a,b", &["a", "b"]), ("a", &["a"])] {
            let args = Args::try_parse_from(["customimage-operator", "run", "--namespace", setting]).unwrap();
            let Command::Run(args) = args.command else { panic!("run") };
            assert_eq!(args.mirror.namespaces(), expected, "{setting:?}");
        }
    }

    #[test]
    fn a_wrong_value_is_refused_by_its_name() {
        for (flag, value) in
            [("--region", "Europe"), ("--listen", "here"), ("--settled-interval", "10"), ("--log", "a=b=c")]
        {
            let error = Args::try_parse_from(["customimage-operator", "run", flag, value]).unwrap_err().to_string();
            assert!(error.contains(flag) && error.contains(value), "{error}");
        }
    }
}
