//! The one integration test binary. A test uses only the crate's public API and programs, and the processes in /proc.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test, a failure is a panic")]

/// A cluster in use: users, rights, an API server that restarts, the controller manager.
mod cluster_in_use;
/// Where the binaries come from.
mod control_plane_binaries;
/// Nothing is left after a cluster's owner ends.
mod nothing_left_behind;
/// Helpers: `local-cluster` and kubectl as child processes, and their state in /proc.
mod process;
