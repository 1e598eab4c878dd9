//! A real local Kubernetes control plane (etcd, kube-apiserver, on request kube-controller-manager) for integration tests and the demo.
//! Dev-only. It knows nothing of the operator and uses no Kubernetes client: what it hands out is a kubeconfig.
//!
//! ```no_run
//! # async fn example() -> Result<(), cluster::Error> {
//! let cluster = cluster::Cluster::start().await?;
//! let admin = cluster.kubeconfig_path();
//! let viewer = cluster.kubeconfig_for("jane", &["viewers"])?;
//! # Ok(()) }
//! ```
//!
//! Map: `running` (the cluster as tests see it) → `component` (the command lines), `readiness` → `daemon` (processes that die with us),
//! `state` (directories and ports that are swept after a crash), `binary`, `certificate` → `der`, `kubeconfig`, `probe`, `error`.

mod binary;
mod certificate;
mod component;
mod daemon;
mod der;
mod error;
mod kubeconfig;
mod probe;
mod readiness;
mod running;
mod state;

pub use error::Error;
pub use kubeconfig::CONTEXT;
pub use running::{Cluster, Options};
