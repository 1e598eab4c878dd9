//! The command line and its environment variables: every setting with its unit and default, next to the value that it
//! becomes. A wrong value is refused at the start, and the error names the setting.

pub mod api;
pub mod aws;
pub mod budget;
pub mod build;
pub mod check;
pub mod cluster;
pub mod describe;
pub mod leadership;
pub mod list;
pub mod log;
pub mod mirror;
pub mod region;
pub mod run;
pub mod serve;
pub mod timing;
pub mod value;
pub mod version;
pub mod watch;

use crate::process::exit_code;
use build::BuildArgs;
use check::CheckArgs;
use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, CommandFactory, Error, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use describe::DescribeArgs;
use list::ListArgs;
use run::RunArgs;
use serve::ServeArgs;
use std::ffi::OsString;
use std::path::Path;
use version::VersionArgs;

/// Mirrors AWS ParallelCluster custom images into Kubernetes, read-only.
///
/// A CustomImage resource names an image (spec.imageId, spec.region). Its status contains everything that
/// ParallelCluster's describeImage answers. The operator never creates, tags or deletes anything in AWS.
#[derive(Debug, Parser)]
#[command(name = NAME, version, arg_required_else_help = true, after_long_help = exit_code::HELP)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

impl Args {
    /// The arguments of this process. Ends the process if they are wrong, or if they ask for help.
    #[must_use]
    pub fn of_process() -> Self {
        Self::of(std::env::args_os().collect()).unwrap_or_else(|error| error.exit())
    }

    /// The arguments in `words`, of which the first is the program, and in the environment. By the name `kubectl-customimage`
    /// it is a plugin of kubectl, and its help says so.
    ///
    /// # Errors
    /// If a word or a variable is wrong, and for help.
    pub fn of(words: Vec<OsString>) -> Result<Self, Error> {
        let is_plugin = words.first().and_then(|path| Path::new(path).file_stem()).is_some_and(|stem| stem == PLUGIN);
        let command = Self::command().mut_subcommands(|command| command.mut_args(without_empty_variable));
        let mut command = if is_plugin { command.bin_name("kubectl customimage") } else { command };
        let matches = command.try_get_matches_from_mut(&words);
        Self::from_arg_matches(&matches.map_err(|error| with_usage(error, &words, &mut command))?)
    }
}

/// An empty variable counts as unset, because templates render a missing value as an empty string.
fn without_empty_variable(arg: Arg) -> Arg {
    let is_empty = arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    if is_empty { arg.env(Resettable::Reset) } else { arg }
}

/// The error with the usage of its subcommand: clap's own has each flag whose environment variable is set. A wrong value
/// of a variable is said to be the variable's.
fn with_usage(mut error: Error, words: &[OsString], command: &mut clap::Command) -> Error {
    let words: Vec<_> = words.iter().skip(1).filter_map(|word| word.to_str()).collect();
    let name = words.first().copied().unwrap_or_default();
    let Some(subcommand) = command.find_subcommand_mut(name) else { return error };
    if let Some(ContextValue::String(told)) = error.get(ContextKind::InvalidArg) {
        let arg = subcommand.get_arguments().find(|arg| arg.to_string() == *told);
        let variable = arg.and_then(Arg::get_env).filter(|name| std::env::var_os(name).is_some());
        let flag = format!("--{}", arg.and_then(Arg::get_long).unwrap_or_default());
        if let Some(variable) = variable.filter(|_| !words.iter().any(|word| word.starts_with(&flag))) {
            let told = format!("{told} (from {})", variable.display());
            error.insert(ContextKind::InvalidArg, ContextValue::String(told));
        }
    }
    if error.get(ContextKind::Usage).is_some() {
        error.insert(ContextKind::Usage, ContextValue::StyledStr(subcommand.render_usage()));
    }
    error
}

/// The name of the program.
pub const NAME: &str = "customimage-operator";

/// The file name by which kubectl finds its plugin.
pub const PLUGIN: &str = "kubectl-customimage";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the controller until SIGTERM.
    ///
    /// Finds the API server like kubectl (KUBECONFIG, ~/.kube/config, or the pod's own ServiceAccount). Finds AWS like
    /// the AWS CLI (environment, profile, web identity, EKS Pod Identity, instance metadata). Uses AWS_ENDPOINT_URL,
    /// HTTPS_PROXY and NO_PROXY. Install the CRD first.
    #[command(
        after_help = "Example:\n  customimage-operator crd | kubectl apply -f -\n  customimage-operator run --region eu-west-1"
    )]
    Run(Box<RunArgs>),
    /// Print the CustomResourceDefinition as YAML.
    #[command(after_help = "Example:\n  customimage-operator crd | kubectl apply -f -")]
    Crd,
    /// Print the describeImage answer for one image and exit.
    ///
    /// The same body as `pcluster describe-image`, without Python and without its side effects: this command never
    /// creates or configures a bucket. When the API would answer an error, it prints {"message": …}, and the exit code
    /// says which kind of error (`customimage-operator --help` lists them).
    #[command(after_help = "Example:\n  customimage-operator describe --image-id hpc-base --region eu-west-1")]
    Describe(DescribeArgs),
    /// List every image and image stack of an account in a region and exit.
    ///
    /// Like `pcluster list-images`, but for all statuses at once and with all pages. The manifests mirror all listed
    /// images. Needs ec2:DescribeImages, cloudformation:DescribeStacks and cloudformation:ListStacks. A list that is
    /// not complete, because AWS failed, is not printed. `customimage-operator --help` lists the exit codes.
    #[command(
        after_help = "Example:\n  customimage-operator list --region eu-west-1 --output manifests | kubectl apply -f -"
    )]
    List(ListArgs),
    /// Print the log of an image build.
    ///
    /// Of a CustomImage, its status says in which account, region and stream the log is. With --image-id no cluster is
    /// needed. JSON is what `pcluster get-image-log-events` prints. Needs logs:GetLogEvents; --follow and --image-id also need
    /// the actions of describe, and logs:DescribeLogStreams for an image that is gone. `customimage-operator --help` lists the
    /// exit codes.
    #[command(
        after_help = "Example:\n  customimage-operator logs hpc-base --tail 50\n  customimage-operator logs --image-id hpc-base --region eu-west-1 --follow"
    )]
    Logs(BuildArgs),
    /// Print the events of the stack that builds an image, also after it is gone.
    ///
    /// Of a CustomImage, its status names the stack. By --image-id, only a stack that exists is found. JSON is what
    /// `pcluster get-image-stack-events` prints. Needs cloudformation:DescribeStackEvents, and --image-id the actions of
    /// describe. `customimage-operator --help` lists the exit codes.
    #[command(after_help = "Example:\n  customimage-operator events hpc-base")]
    Events(BuildArgs),
    /// Serve the API's operations that read images, on this machine.
    ///
    /// GET /v3/images/custom/{imageId} and its neighbours: images, log streams, log events and stack events, as the
    /// official program's API server answers them. For programs that speak the API, such as its clients, the
    /// ParallelCluster UI and Terraform. Uses your AWS credentials, and needs no cluster. Only programs on this machine can
    /// ask, and all of them can. Needs the actions of describe, list, logs and events.
    #[command(
        after_help = "Example:\n  customimage-operator serve --region eu-west-1\n  curl http://localhost:8080/v3/images/custom/hpc-base"
    )]
    Serve(Box<ServeArgs>),
    /// Check whether the operator can work here.
    ///
    /// Takes the leadership and AWS settings of `run`, and those for what is mirrored. Checks the API server and the
    /// operator's rights there. Then tries each action of the AWS policy with each identity in each of its regions, by
    /// reading things that do not exist. Changes nothing. Exit code 0 when no check failed, 1 otherwise. The fix
    /// follows each failed check.
    #[command(after_help = "Example:\n  customimage-operator check --region eu-west-1")]
    Check(Box<CheckArgs>),
    /// Print the version of the program and the commit that it was built from.
    Version(VersionArgs),
    /// Print a completion script for a shell.
    #[command(after_help = "Example:\n  source <(customimage-operator completions bash)")]
    Completions { shell: Shell },
}

impl Command {
    /// Whether it makes calls to AWS.
    #[must_use]
    pub fn asks_aws(&self) -> bool {
        !matches!(self, Self::Crd | Self::Version(_) | Self::Completions { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_finds_no_error_in_the_command_line_definition() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn namespaces_are_split_at_commas_and_deduplicated_and_an_empty_setting_means_all() {
        for (setting, expected) in [("", &[][..]), ("b, a,b", &["a", "b"]), ("a", &["a"])] {
            let args = Args::try_parse_from(["customimage-operator", "run", "--namespace", setting]).unwrap();
            let Command::Run(args) = args.command else { panic!("run") };
            assert_eq!(args.mirror.namespaces(), expected, "{setting:?}");
        }
    }

    #[test]
    fn the_error_of_a_wrong_value_names_the_flag_and_the_value() {
        for (flag, value) in
            [("--region", "Europe"), ("--listen", "here"), ("--settled-interval", "10"), ("--log", "a=b=c")]
        {
            let error = Args::try_parse_from(["customimage-operator", "run", flag, value]).unwrap_err().to_string();
            assert!(error.contains(flag) && error.contains(value), "{error}");
        }
    }
}
