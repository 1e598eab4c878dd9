//! One integration binary. What a test may use is what the crate gives to others, plus the processes as the kernel shows them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test, a failure is a panic")]

/// What a cluster is like for those who use it.
mod cluster_in_use;
/// Where the binaries come from.
mod control_plane_binaries;
/// What is left when a cluster's owner ends, one way or another.
mod nothing_left_behind;
/// `local-cluster` and kubectl as child processes, and what /proc says of them.
mod process;
