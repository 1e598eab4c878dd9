//! The map of the code. Dependencies point one way: `main → process → {kubernetes, aws} → describe_image`.
//! `kubernetes` and `aws` never import each other; `tests/it/house_rules.rs` fails on a forbidden import.

pub mod aws;
pub mod describe_image;
pub mod kubernetes;
pub mod process;
