//! The flags of the connection to the API server.

use crate::kubernetes::client::ClusterSettings;
use clap::Args as ClapArgs;
use clap::builder::ValueParser;
use std::convert::Infallible;
use std::path::PathBuf;

/// How to find the API server. By default as kubectl does: KUBECONFIG, ~/.kube/config, then the pod's ServiceAccount.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "Kubernetes")]
pub struct ClusterArgs {
    /// The kubeconfig file. Default: KUBECONFIG, then ~/.kube/config.
    #[arg(long, value_name = "FILE", value_parser = ValueParser::new(path))]
    pub kubeconfig: Option<PathBuf>,
    /// The context in the kubeconfig. Default: its current context.
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
}

/// clap's own parser refuses an empty path. To kubectl it is none.
fn path(file: &str) -> Result<PathBuf, Infallible> {
    Ok(file.into())
}

impl ClusterArgs {
    #[must_use]
    pub fn settings(&self) -> ClusterSettings {
        let kubeconfig = self.kubeconfig.clone().filter(|file| !file.as_os_str().is_empty());
        ClusterSettings { kubeconfig, context: self.context.clone().filter(|name| !name.is_empty()) }
    }
}
