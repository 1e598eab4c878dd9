//! Whatever the command line is, it becomes settings, or one clear message.

use super::words::any_words;
use crate::process::args::{Args, Command};
use crate::tests::fuzz::hold;
use clap::error::ErrorKind;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

/// The message for the person who started the program.
pub fn is_clear(error: &clap::Error) -> TestCaseResult {
    let told = error.to_string();
    let is_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    prop_assert_eq!(told.starts_with("error: "), !is_help, "{}", told);
    prop_assert_eq!(error.exit_code() == 0, matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion));
    prop_assert!(told.len() <= 64 * 1024, "{} bytes", told.len());
    Ok(())
}

/// What the arguments become.
pub fn become_settings(args: &Args) {
    let _ = format!("{args:?}");
    if let Command::Run(run) = &args.command {
        let _ = (run.controller(None), run.reflector(), run.budget.budget(), run.watch.times(), run.aws.settings());
        let _ = (run.cluster.settings(), run.leadership.lease_name(&run.mirror.namespaces()), run.api.settings());
    }
}

#[test]
#[ignore = "tests/fuzz runs it in a process of its own"]
fn any_command_line_gives_settings_or_one_clear_message() {
    hold("command_line", &any_words(), |words| {
        match Args::of(words) {
            Ok(args) => become_settings(&args),
            Err(error) => is_clear(&error)?,
        }
        Ok(())
    });
}
