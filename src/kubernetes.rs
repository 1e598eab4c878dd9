//! The Kubernetes adapter: the CustomImage resource and its controller. Only this room names `kube` and `k8s_openapi`.
//! It never imports the AWS adapter.

pub mod client;
pub mod controller;
pub mod custom_image;
pub mod identities;
pub mod leadership;
mod metrics;
mod reconcile;
pub mod rights;
mod status;
mod told;
mod watch;

pub use custom_image::{CustomImage, CustomImageStatus, crd};
pub use reconcile::context::ControllerSettings;
pub use status::moment::GracePeriods;
pub use watch::WatchTimes;
pub use watch::readiness::Readiness;

use tracing::level_filters::LevelFilter;

/// The most that these targets may log. kube's watcher logs each retry of a forbidden watch; `watch::readiness` tells it
/// once.
pub const LOG_CEILING: [(&str, LevelFilter); 1] = [("kube_runtime::watcher", LevelFilter::ERROR)];
