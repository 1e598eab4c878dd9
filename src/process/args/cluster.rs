//! The flags of the connection to the API server.

use super::value::{Maybe, file};
use crate::kubernetes::client::ClusterSettings;
use clap::Args as ClapArgs;
use std::path::PathBuf;

/// How to find the API server. By default as kubectl does: KUBECONFIG, ~/.kube/config, then the pod's ServiceAccount.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "Kubernetes")]
pub struct ClusterArgs {
    /// The kubeconfig file. Default: KUBECONFIG, then ~/.kube/config.
    #[arg(long, value_name = "FILE", value_parser = file)]
    pub kubeconfig: Option<Maybe<PathBuf>>,
    /// The context in the kubeconfig. Default: its current context.
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
}

impl ClusterArgs {
    #[must_use]
    pub fn settings(&self) -> ClusterSettings {
        let kubeconfig = self.kubeconfig.as_ref().and_then(|file| file.0.clone());
        ClusterSettings { kubeconfig, context: self.context.clone().filter(|name| !name.is_empty()) }
    }
}
