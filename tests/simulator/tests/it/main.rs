//! Tests of the simulator over HTTP. `validation/` tests it with AWS's own programs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod client; // no tests: shared by the others
mod library; // the methods of `Simulator`
mod life; // builds and the clock
mod lists; // filters and pages
mod logs; // groups, streams and events of CloudWatch Logs
mod scale; // many things, many connections
mod story; // the events and the log of a build
