//! A deterministic simulation of the operator: its real code runs in one thread and in virtual time, between an API server
//! and an AWS that are both in memory.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking"))]

pub mod api_server;
