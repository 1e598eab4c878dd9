//! `customimage-operator`: parses the command line, runs, and turns the result into an exit code.

use clap::Parser;
use customimage_operator::process::{self, args::Args};
use std::process::ExitCode;

fn main() -> ExitCode {
    process::run(Args::parse())
}
