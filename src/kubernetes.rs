//! The Kubernetes adapter: the CustomImage resource and its controller. The only code that names `kube` and
//! `k8s_openapi`; it never imports the AWS adapter.

pub mod chance;
pub mod client;
pub mod controller;
pub mod custom_image;
pub mod identities;
pub mod index;
pub mod leadership;
pub mod metrics;
pub mod reconcile;
pub mod rights;
pub mod status;
pub mod watch;

pub use custom_image::{CustomImage, CustomImageStatus, crd};
