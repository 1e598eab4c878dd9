//! The Kubernetes adapter: the CustomImage resource and its controller. The only code that names `kube` and
//! `k8s_openapi`; it never imports the AWS adapter.

pub mod accounts;
pub mod build_story;
pub mod chance;
pub mod client;
pub mod conditions;
pub mod context;
pub mod controller;
pub mod custom_image;
pub mod fleet;
pub mod identities;
pub mod index;
pub mod leading;
pub mod lease;
mod look;
pub mod manifest;
pub mod memory;
mod merge;
pub mod meter;
pub mod namespaces;
mod objects;
mod orphan;
pub mod pace;
mod patience;
mod presigned;
pub mod readiness;
mod recheck;
mod reconcile;
pub mod recorder;
mod relist;
pub mod requeue;
pub mod rights;
mod spec;
mod standby;
pub mod status;
mod transition;
mod verdict;
pub mod watched_image;
mod write;

pub use custom_image::{CustomImage, CustomImageStatus, crd};
