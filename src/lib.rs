//! The map of the code. Dependencies point one way: `main → process → {kubernetes, aws}`, `kubernetes → reflector → describe_image`,
//! `aws → describe_image`. `backoff`, `packed` and `proxy` are ground that the rooms stand on. `kubernetes` and `aws` never import each
//! other; `tests/house/rules.rs` fails on a forbidden import.

pub mod aws;
mod backoff;
pub mod describe_image;
pub mod kubernetes;
mod packed;
pub mod process;
mod proxy;
mod reflector;
