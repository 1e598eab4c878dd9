//! The simulator from the outside; what AWS's own programs say of it is in `validation/`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod client; // no tests: what the others share
mod library; // the methods of `Simulator`
mod life; // builds and the clock
mod lists; // filters and pages
mod scale; // many things, many connections
