//! The map of the code. Dependencies point one way: `main → process → {kubernetes, aws} → describe_image`.
//! `proxy` is ground that both adapters stand on. `kubernetes` and `aws` never import each other; `tests/house/rules.rs` fails on a forbidden import.

pub mod aws;
pub mod describe_image;
pub mod kubernetes;
pub mod process;
mod proxy;
