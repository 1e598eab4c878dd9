//! Rules for the source: sizes, imports and forbidden names. Tests only.

#![cfg(test)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod imports;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The root folder of the checkout in which this runs.
fn project() -> PathBuf {
    std::env::current_dir().unwrap().ancestors().find(|folder| folder.join("Cargo.lock").exists()).unwrap().to_owned()
}

/// The Rust files below a folder of the project, with their text.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let root = project().join(folder);
    let mut found = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

/// The code lines of a file, without comments and unit tests.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let production = text.split("#[cfg(test)]").next().unwrap_or_default();
    production.lines().filter(|line| !line.trim_start().starts_with("//"))
}

/// Whether the file holds only unit tests.
fn is_tests(path: &Path) -> bool {
    path.ends_with("tests.rs") || path.parent().is_some_and(|folder| folder.ends_with("tests"))
}

fn offences(folder: &str, forbidden: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources(folder) {
        if is_tests(&path) {
            continue;
        }
        for line in code(&text) {
            for word in forbidden.iter().filter(|word| line.contains(**word)) {
                found.push(format!("{} uses {word}: {}", path.display(), line.trim()));
            }
        }
    }
    found
}

#[test]
fn the_domain_uses_no_kubernetes_no_aws_no_async_runtime_and_no_clock() {
    let forbidden =
        ["kube::", "k8s_openapi", "aws_", "tokio", "std::env", "Timestamp::now", "SystemTime", "Instant::now"];
    let mut found = offences("src/describe_image", &forbidden);
    let root = std::fs::read_to_string(project().join("src/describe_image.rs")).unwrap();
    found.extend(code(&root).filter(|line| forbidden.iter().any(|word| line.contains(word))).map(str::to_owned));
    assert_eq!(found, [""; 0]);
}

/// The simulation gives each process a clock of its own.
#[test]
fn what_is_simulated_asks_its_settings_for_the_time() {
    let rooms =
        ["reflector", "kubernetes/controller", "kubernetes/leadership", "kubernetes/reconcile", "kubernetes/status"];
    for room in rooms {
        assert_eq!(offences(&format!("src/{room}"), &["Timestamp::now", "SystemTime"]), [""; 0]);
    }
}

#[test]
fn only_kubernetes_uses_kube_and_only_aws_uses_the_sdk() {
    let (of_kubernetes, of_aws) = (["kube::", "k8s_openapi"], ["aws_config", "aws_sdk", "aws_smithy"]);
    for room in ["src/aws", "src/reflector"] {
        assert_eq!(offences(room, &of_kubernetes), [""; 0]);
    }
    for room in ["src/kubernetes", "src/reflector", "src/process"] {
        assert_eq!(offences(room, &of_aws), [""; 0]);
    }
    assert_eq!(offences("src/process", &["use kube::", "k8s_openapi"]), [""; 0]);
}

/// The adapter must not call an AWS operation that changes something.
#[test]
fn no_code_calls_an_operation_that_writes_to_aws() {
    let writes =
        ["create_", "put_", "delete_", "update_", "modify_", "deregister_", "tag_resource", "copy_", "run_", "start_"];
    let calls: Vec<String> = writes.iter().map(|write| format!(".{write}")).collect();
    let calls: Vec<&str> = calls.iter().map(String::as_str).collect();
    let names: Vec<String> = offences("src/aws", &calls).into_iter().filter(|line| !line.contains(".put(")).collect();
    assert_eq!(names, [""; 0]);
}

#[test]
fn files_have_at_most_250_lines_of_code_and_begin_with_a_doc_comment() {
    for folder in ["src", "tests/simulation/src", "tests/simulator/src", "tests/cluster/src"] {
        for (path, text) in sources(folder) {
            let lines = text.split("#[cfg(test)]").next().unwrap_or_default().lines().count();
            let is_tests = is_tests(&path);
            assert!(is_tests || lines <= 250, "{} has {lines} lines: split it", path.display());
            let is_attached = text.starts_with("use super::") || text.trim().is_empty();
            assert!(text.starts_with("//!") || (is_tests && is_attached), "{} does not begin with //!", path.display());
            assert!(!path.ends_with("mod.rs"), "{}: use foo.rs and foo/, not mod.rs", path.display());
        }
    }
}

#[test]
fn main_is_at_most_40_lines() {
    let main = std::fs::read_to_string(project().join("src/main.rs")).unwrap();
    assert!(main.lines().count() <= 40);
}

#[test]
fn functions_are_at_most_56_lines() {
    for (path, text) in sources("src") {
        let mut begin: Option<(usize, String)> = None;
        for (number, line) in text.lines().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let words: Vec<_> = line.split_whitespace().take(4).collect();
            if indent <= 4 && words.contains(&"fn") && !line.trim_end().ends_with(';') {
                begin = Some((number, format!("{}}}", " ".repeat(indent))));
            }
            if let Some((first, _)) = begin.take_if(|(_, end)| line.starts_with(end.as_str())) {
                let lines = number - first + 1;
                assert!(lines <= 56, "{}:{}: {lines} lines", path.display(), first + 1);
            }
        }
    }
}

#[test]
fn shell_scripts_can_be_parsed() {
    let mut folders = vec![project().join("tests"), project().join(".ci")];
    let mut scripts = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if is_shell(&path) {
                let output = Command::new("bash").arg("-n").arg(&path).output().unwrap();
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                scripts += 1;
            }
        }
    }
    assert!(scripts > 0);
}

fn is_shell(path: &Path) -> bool {
    let text = std::fs::read(path).unwrap();
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    path.extension().is_some_and(|extension| extension == "sh") || first.starts_with(b"#!") && first.ends_with(b"bash")
}
