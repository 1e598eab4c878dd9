//! Whatever the environment is, it becomes settings, or one clear message.

use super::fuzz_command_line::{become_settings, is_clear};
use super::words::{any_value, variables};
use crate::process::args::{Args, NAME};
use crate::tests::fuzz::hold;
use proptest::prelude::*;
use std::ffi::OsString;
use std::process;

/// The environment cannot be changed within a process, so each input is a process.
#[test]
#[ignore = "tests/fuzz runs it in a process of its own"]
fn any_environment_gives_settings_or_one_clear_message() {
    let variable = (proptest::sample::select(variables()), any_value());
    let inputs = proptest::collection::btree_map(variable.0, variable.1, 1..6);
    let test = "process::tests::fuzz_environment::the_environment_of_this_process_is_clear";
    hold("environment", &inputs, |environment| {
        let mut child = process::Command::new(std::env::current_exe().unwrap());
        let child = child.args([test, "--exact", "--include-ignored"]).envs(&environment).env("RUST_BACKTRACE", "0");
        let output = child.output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        prop_assert!(
            output.status.success() && told.contains("1 passed"),
            "{told}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    });
}

/// Each subcommand with no words of its own but those that it needs.
#[test]
fn the_environment_of_this_process_is_clear() {
    for words in [
        &["run"][..],
        &["describe", "-i", "hpc"],
        &["list"],
        &["logs", "hpc"],
        &["events", "hpc"],
        &["serve"],
        &["check"],
    ] {
        let words = std::iter::once(&NAME).chain(words).map(OsString::from).collect();
        match Args::of(words) {
            Ok(args) => become_settings(&args),
            Err(error) => is_clear(&error).unwrap(),
        }
    }
}
