//! A real local Kubernetes control plane for integration tests and the demo: etcd, kube-apiserver and, on request,
//! kube-controller-manager. For development only. It does not depend on the operator and uses no Kubernetes client: it
//! provides kubeconfigs.
//!
//! ```no_run
//! # async fn example() -> Result<(), cluster::Error> {
//! let cluster = cluster::Cluster::start().await?;
//! let admin = cluster.kubeconfig_path();
//! let viewer = cluster.kubeconfig_for("jane", &["viewers"])?;
//! # Ok(()) }
//! ```
//!
//! Map: `running` (the cluster as tests use it) → `component` (the command lines), `readiness` → `daemon` (processes
//! that die with us), `state` (directories and ports, cleaned up after a crash), `binary`, `certificate` → `der`,
//! `kubeconfig`, `probe`, `error`.

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
