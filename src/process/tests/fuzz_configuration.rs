//! Whatever the configuration file holds, it is read, or refused with one error that says where the mistake is.

use crate::describe_image::scope::{DEFAULT_IDENTITY, is_identity_name};
use crate::process::configuration::{InvalidConfiguration, parse};
use crate::tests::fuzz::hold_many;
use crate::tests::text::{any_edit, any_text, edited, varied};
use proptest::prelude::*;

const FILES: [&str; 4] = [
    "identities:\n- name: research\n  roleArn: arn:aws:iam::222233334444:role/reader\n  externalId: ticket-7\n  \
     sessionName: here\n  namespaces: [hpc, web]\n  regions:\n  - eu-west-1\n  - us-gov-west-1\n",
    "# who reads what\nidentities:\n- {name: own, namespaceSelector: {matchLabels: {team: hpc}}}\n- name: default\n  \
     namespaceSelector:\n    matchExpressions:\n    - {key: team, operator: In, values: [a, b]}\n",
    "identities: []\n",
    "x: &a [1, 2]\nidentities: &b\n- &c {name: one, namespaces: &d [\"a\"]}\n- {name: two, namespaces: *d}\n",
];

/// Lines that parsers handle wrongly: anchors, tags, merges, tabs, documents, block scalars.
const LINES: [&str; 20] = [
    "\tname: x",
    "- *a",
    "<<: *c",
    "identities: []",
    "--- ",
    "...",
    "%YAML 1.2",
    "- !!binary aGVsbG8=",
    "- !include /etc/passwd",
    "? complex\n: value",
    "- |+\n  text\n\n",
    "- >2-\n    text",
    "- name: \"\\u0000\\x1b\"",
    "- {name: a, name: b}",
    "- name: 1e999",
    "- name: 0o777777777777777777777777",
    "- name: 2026-11-24",
    "- name: ~",
    "- [[[[[[[[",
    "- {{{{{{{{",
];

/// Where a text may be long.
const LONG: [&str; 8] = [
    "@: a",
    "identities: @",
    "identities: [{name: @}]",
    "identities: [{name: r, @: a}]",
    "identities: [{name: r, namespaces: [a], regions: [@]}]",
    "identities: [{name: r, namespaces: [a], roleArn: @}]",
    "identities: [{name: r, namespaces: [a], roleArn: 'arn:aws:iam::222233334444:role/r', externalId: @}]",
    "identities: [{name: r, namespaceSelector: {matchLabels: {@: '@ @'}}}]",
];

/// Texts that grow: nesting, aliases of aliases, one long scalar, many entries.
fn any_bomb() -> BoxedStrategy<String> {
    let nested =
        (proptest::sample::select(vec!["[", "{a: ", "- ", "? ", "!t ", "&a [", "\"", "'", "|\n "]), 1..3000_usize)
            .prop_map(|(piece, times)| format!("identities: {}", piece.repeat(times)));
    let aliases = (1..40_usize, 1..12_usize).prop_map(|(levels, width)| {
        let level = |n: usize| format!("- &n{} [{}]\n", n + 1, vec![format!("*n{n}"); width].join(", "));
        format!("identities:\n- &n0 [x, x]\n{}", (0..levels).map(level).collect::<String>())
    });
    let long = (proptest::sample::select(LONG.as_slice()), 1..100_000_usize)
        .prop_map(|(text, length)| text.replace('@', &"n".repeat(length)));
    let many = (1..300_usize).prop_map(|count| {
        let entry = |n: usize| format!("- {{name: n{n}, namespaces: [a]}}\n");
        format!("identities:\n{}", (0..count).map(entry).collect::<String>())
    });
    prop_oneof![nested, aliases, long, many].boxed()
}

fn any_file() -> BoxedStrategy<String> {
    let file = || proptest::sample::select(FILES.as_slice());
    let line = prop_oneof![3 => proptest::sample::select(LINES.as_slice()).prop_map(str::to_owned), 1 => any_text()];
    let changed =
        (file(), proptest::collection::vec(any_edit(), 0..4)).prop_map(|(text, edits)| edited(text.into(), &edits));
    let mixed = (file(), any::<proptest::sample::Index>(), line).prop_map(|(text, at, line)| {
        let mut lines: Vec<_> = text.lines().collect();
        lines.insert(at.index(lines.len() + 1), &line);
        lines.join("\n").into_bytes()
    });
    // Every second byte is zero, as in UTF-16.
    let wide = file().prop_map(|text| text.bytes().flat_map(|byte| [byte, 0]).collect());
    prop_oneof![
        60 => changed,
        30 => mixed,
        8 => any_text().prop_map(String::into_bytes),
        4 => any_bomb().prop_map(String::into_bytes),
        1 => wide,
    ]
    // The program reads the file as text, and refuses any other.
    .prop_map(|bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned())
    .boxed()
}

/// How many files are made of one.
const EACH: u64 = 10;

#[test]
#[ignore = "tests/fuzz runs it in a process of its own"]
fn any_configuration_is_read_or_refused_with_the_place_of_the_mistake() {
    hold_many("configuration", EACH, &(any_file(), any::<u64>()), |(text, seed)| {
        let mut random = fastrand::Rng::with_seed(seed);
        is_read_or_refused(&text)?;
        for _ in 1..EACH {
            is_read_or_refused(&String::from_utf8_lossy(&varied(text.as_bytes(), &mut random)))?;
        }
        Ok(())
    });
}

fn is_read_or_refused(text: &str) -> Result<(), TestCaseError> {
    let error = match parse(text) {
        Ok(identities) => {
            let names: Vec<_> = identities.grants().iter().map(|grant| grant.identity.name.as_str()).collect();
            prop_assert!(
                names.contains(&DEFAULT_IDENTITY) && names.iter().all(|name| is_identity_name(name)),
                "{names:?}"
            );
            prop_assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
            return Ok(());
        }
        Err(error) => error,
    };
    let told = error.to_string();
    let has_place = match &error {
        InvalidConfiguration::Empty => true,
        InvalidConfiguration::Yaml(_) => told.contains("line "),
        InvalidConfiguration::Identity { .. } => told.starts_with("identities["),
        InvalidConfiguration::Unreadable(_) => false,
    };
    prop_assert!(has_place, "no place in {told:.300}: {text:.3000}");
    prop_assert!(told.len() <= 16 * 1024, "{} bytes in {told:.300}: {text:.3000}", told.len());
    Ok(())
}
