//! The entry point of `customimage-operator`: parses the command line and runs the command.

use customimage_operator::process::{self, args::Args};
use std::process::ExitCode;

/// Gives memory back to the system soon after it is freed. The C library keeps much of what a peak has taken.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    process::run(Args::of_process())
}
