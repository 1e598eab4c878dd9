//! The one integration binary. What belongs where:

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

/// What the API server takes and refuses.
mod admission;
/// The AWS adapter against the simulator: paging, batches, trouble on the wire, read-only.
mod aws;
/// `check`: what is missing, and how to mend it.
mod check;
/// The command line itself: help, completions, refusals, `describe` without AWS.
mod command;
/// The official program, `describe` and a CustomImage's status agree, scenario by scenario.
mod conformance;
/// The operator against a real API server: each row of the condition table, writes, Events, suspend, refresh.
mod controller;
/// Ways to have no credentials, and how each is told; credentials that are renewed.
mod credentials;
/// Generated files are fresh.
mod generated;
/// Proxies and private authorities, to AWS and to the API server.
mod network;
/// /livez, /readyz, /metrics, SIGTERM.
mod process;

/// The programs and fixtures that the tests share.
mod support;
