//! The command `completions`: prints a completion script for a shell.

use crate::process::args::{Args, NAME, PLUGIN};
use crate::process::stdout;
use clap::CommandFactory;
use clap_complete::Shell;
use std::process::ExitCode;

/// For bash, the script is made for a name without a hyphen: with one, the generator gives its functions two different
/// names, and nothing is completed after the subcommand (clap issue 6421).
pub fn print(shell: Shell) -> ExitCode {
    let name = if shell == Shell::Bash { NAME.replace('-', "_") } else { NAME.to_owned() };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), &name, &mut script);
    let script = String::from_utf8_lossy(&script);
    let script = match shell {
        Shell::Bash => script.replace(&format!(" {name}\n"), &format!(" {NAME} {PLUGIN}\n")),
        _ => script.into_owned(),
    };
    stdout::put(Ok(script), ExitCode::SUCCESS)
}
