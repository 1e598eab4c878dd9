//! The Kubernetes adapter: the CustomImage resource and its controller. Only this room names `kube` and `k8s_openapi`.
//! It never imports the AWS adapter.

pub mod callers;
pub mod client;
pub mod controller;
pub mod custom_image;
pub mod identities;
pub mod leadership;
pub mod metrics;
pub mod mirror;
mod ownership;
mod reconcile;
pub mod rights;
mod status;
#[cfg(test)]
mod tests;
mod told;
mod watch;

use tracing::level_filters::LevelFilter;

pub use custom_image::{CustomImage, CustomImageStatus, crd};
pub use reconcile::context::{ControllerSettings, Kept};
pub use status::moment::GracePeriods;
pub use watch::WatchTimes;
pub use watch::readiness::Readiness;

/// The highest log level of kube's client, whatever a user asks for. Below it, it logs whole replies that it cannot read. The
/// reply to a TokenReview has the token.
pub const LOG_CEILING: (&str, LevelFilter) = ("kube_client::client", LevelFilter::ERROR);

/// Whether a line of the log says what is told elsewhere. kube's watcher logs each retry of a forbidden watch;
/// `watch::readiness` tells it once.
#[must_use]
pub fn is_told_elsewhere(line: &tracing::Metadata<'_>) -> bool {
    line.target().starts_with("kube_runtime::watcher") && *line.level() == tracing::Level::WARN
}
