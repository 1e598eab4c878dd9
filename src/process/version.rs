//! The command `version`: which program this is.

use crate::process::args::describe::Output;
use crate::process::args::version::{VersionArgs, VersionOutput};
use crate::process::stdout;
use serde::Serialize;
use std::process::ExitCode;

/// The version of the program, as in its chart.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that it was built from. The build of the image sets it.
pub const COMMIT: &str = match option_env!("CUSTOMIMAGE_COMMIT") {
    Some(commit) if !commit.is_empty() => commit,
    _ => "unknown",
};

#[derive(Serialize)]
struct Version {
    version: &'static str,
    commit: &'static str,
}

pub fn print(args: &VersionArgs) -> ExitCode {
    let version = Version { version: VERSION, commit: COMMIT };
    match args.output {
        VersionOutput::Text => {
            stdout::put(Ok(format!("customimage-operator {VERSION}, commit {COMMIT}")), ExitCode::SUCCESS)
        }
        VersionOutput::Json => stdout::print(&version, Output::Json, ExitCode::SUCCESS),
        VersionOutput::Yaml => stdout::print(&version, Output::Yaml, ExitCode::SUCCESS),
    }
}
