//! The entry point of `customimage-operator`: parses the command line and runs the command.

use clap::Parser;
use customimage_operator::process::{self, args::Args};
use std::process::ExitCode;

fn main() -> ExitCode {
    process::run(Args::parse())
}
