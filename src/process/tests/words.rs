//! Command lines of chance: subcommands, their flags with right and wrong values, and any other words.

use crate::process::args::{Args, NAME, PLUGIN};
use crate::tests::text::{any_edit, any_text, edited};
use clap::CommandFactory;
use proptest::prelude::*;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// Values that some flags take and others refuse.
pub const VALUES: [&str; 44] = [
    "",
    "hpc",
    "hpc-base",
    "eu-west-1",
    "us-gov-west-1",
    "Europe",
    "30s",
    "10m",
    "1h30m",
    "0s",
    "-1s",
    "9999999h",
    "1ns",
    "P1Y",
    "365d",
    "8760h",
    "0",
    "1",
    "16",
    "100",
    "101",
    "4096",
    "4294967296",
    "-1",
    "on",
    "off",
    "true",
    "no",
    "text",
    "json",
    "yaml",
    "info",
    "warn,customimage_operator=debug",
    "a=b=c",
    "[::]:8080",
    "127.0.0.1:0",
    "localhost:80",
    "a,b,,c",
    "a=b,c",
    "/dev/null",
    "/",
    "/nowhere/file",
    "s3",
    "2026-11-24T10:00:00Z",
];

/// A value as bytes, because an argument need not be UTF-8.
pub fn any_value() -> BoxedStrategy<OsString> {
    let known = || proptest::sample::select(VALUES.as_slice());
    let changed =
        (known(), proptest::collection::vec(any_edit(), 0..3)).prop_map(|(text, edits)| edited(text.into(), &edits));
    let bytes = prop_oneof![
        6 => known().prop_map(|text| text.as_bytes().to_vec()),
        2 => changed,
        1 => any_text().prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..8),
    ];
    // No argument and no variable has a zero byte.
    bytes.prop_map(|bytes| OsString::from_vec(bytes.into_iter().filter(|byte| *byte != 0).collect())).boxed()
}

/// A whole command line, with the name of the program.
pub fn any_words() -> BoxedStrategy<Vec<OsString>> {
    let subcommands: Vec<(String, Vec<String>)> = Args::command().get_subcommands().map(flags).collect();
    let program = prop_oneof![8 => Just(NAME), 1 => Just(PLUGIN), 1 => Just("/usr/bin/kubectl-customimage")];
    (program, proptest::sample::select(subcommands))
        .prop_flat_map(|(program, (name, flags))| {
            let word = prop_oneof![
                8 => (proptest::sample::select(flags), any_value(), any::<bool>()).prop_map(|(flag, value, joins)| flag_with(&flag, value, joins)),
                1 => any_value().prop_map(|value| vec![value]),
                1 => proptest::sample::select(vec!["--help", "-h", "--", "-", "--version", "help"]).prop_map(|word| vec![word.into()]),
            ];
            (Just(program), prop_oneof![12 => Just(OsString::from(name)), 1 => any_value()], proptest::collection::vec(word, 0..6))
        })
        .prop_map(|(program, name, words)| [vec![program.into(), name], words.concat()].concat())
        .boxed()
}

/// The name of a subcommand, and its flags as a user writes them.
fn flags(command: &clap::Command) -> (String, Vec<String>) {
    let long = command.get_arguments().filter_map(|arg| arg.get_long()).map(|long| format!("--{long}"));
    let short = command.get_arguments().filter_map(|arg| arg.get_short()).map(|short| format!("-{short}"));
    (command.get_name().to_owned(), long.chain(short).chain(["--nothing".to_owned()]).collect())
}

fn flag_with(flag: &str, value: OsString, joins: bool) -> Vec<OsString> {
    if !joins {
        return vec![flag.into(), value];
    }
    let mut word = OsString::from(flag);
    word.push("=");
    word.push(value);
    vec![word]
}

/// The names of all variables that are settings.
pub fn variables() -> Vec<String> {
    let mut command = Args::command();
    command.build();
    let of = |command: &clap::Command| {
        let names = command.get_arguments().filter_map(|arg| arg.get_env()?.to_str().map(str::to_owned));
        names.collect::<Vec<_>>()
    };
    let mut names: Vec<_> = command.get_subcommands().flat_map(of).collect();
    names.sort();
    names.dedup();
    names
}
