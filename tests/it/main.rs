//! The one integration test binary. Its modules:

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

/// What the API server accepts and rejects by the CRD.
mod admission;
/// The HTTP interface in the cluster: who may ask, what is answered, and at which cost.
mod api;
/// Memory under attacks (`make extra`).
mod attacks;
/// The AWS adapter against the simulator: pages, batches, network faults, no writes.
mod aws;
/// `check`: what is missing, and the fix.
mod check;
/// The command line: help, completions, invalid settings, `describe` without AWS.
mod command;
/// The official program, `describe` and a CustomImage's status agree, scenario by scenario.
mod conformance;
/// The operator against a real API server: conditions, writes, Events, suspend, requested reconciles.
mod controller;
/// Sources of credentials: errors and renewal.
mod credentials;
/// Generated files are up to date.
mod generated;
/// A hostile AWS endpoint: bounded replies, and one unreadable image beside others.
mod hostile;
/// Proxies and private CAs, towards AWS and towards the API server.
mod network;
/// The running process: /livez, /readyz, /metrics, SIGTERM, a late CRD, an API server that restarts.
mod process;
/// `serve` beside the official program's API server.
mod serve;
/// The story of a build: status, `logs` and `events` beside the official program.
mod story;

/// The programs and fixtures that the tests share.
mod support;
