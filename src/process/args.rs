//! The command line and its environment: every setting with its unit and default, each beside what it becomes. A wrong value is
//! refused at the start, naming it.

pub mod aws;
pub mod budget;
pub mod check;
pub mod describe;
pub mod leadership;
pub mod list;
pub mod log;
pub mod mirror;
pub mod region;
pub mod run;
pub mod timing;
pub mod value;

use check::CheckArgs;
use clap::{Parser, Subcommand};
use clap_complete::Shell;
use describe::DescribeArgs;
use list::ListArgs;
use run::RunArgs;

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
