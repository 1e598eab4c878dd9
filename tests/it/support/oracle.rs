//! The official program: `pcluster` from PyPI, in its own virtual environment.

use super::describe::{Answer, clean, finish};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command as Blocking;
use std::sync::LazyLock;
use std::time::Duration;
use tokio::process::Command;

static ENVIRONMENT: LazyLock<PathBuf> = LazyLock::new(|| {
    let script = crate::support::project().join("tests/oracle/install");
    let output = Blocking::new(&script).stderr(std::process::Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{} failed", script.display());
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
});

/// Where the official program is installed.
pub fn environment() -> &'static Path {
    &ENVIRONMENT
}

/// The unreachable proxy keeps the official program from downloading its list of regions.
pub fn keep_offline(command: &mut Command) {
    let settings = [("https_proxy", "http://127.0.0.1:9"), ("AWS_MAX_ATTEMPTS", "2")];
    command.envs(settings).env("HOME", std::env::temp_dir());
}

/// `pcluster` with these arguments.
fn program(endpoint: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(environment().join("bin/pcluster"));
    clean(&mut command, endpoint);
    keep_offline(&mut command);
    command.args(arguments);
    command
}

/// Runs the official program with these arguments.
pub async fn answer(endpoint: &str, arguments: &[&str]) -> Answer {
    finish(program(endpoint, arguments)).await
}

/// Runs `pcluster describe-image`.
pub async fn describe(endpoint: &str, id: &str, region: &str) -> Answer {
    finish(program(endpoint, &["describe-image", "--image-id", id, "--region", region])).await
}

/// The same, or `None` if it does not end within `limit`. It is then killed.
pub async fn describe_within(endpoint: &str, id: &str, region: &str, limit: Duration) -> Option<Answer> {
    tokio::time::timeout(limit, describe(endpoint, id, region)).await.ok()
}

/// One page of `pcluster list-images` for `status`.
pub async fn list_page(endpoint: &str, status: &str, region: &str, token: Option<&str>) -> Answer {
    let mut arguments = vec!["list-images", "--image-status", status, "--region", region];
    arguments.extend(token.map(|token| ["--next-token", token]).into_iter().flatten());
    finish(program(endpoint, &arguments)).await
}

/// All pages of `pcluster list-images` for `status`.
pub async fn list(endpoint: &str, status: &str, region: &str) -> Vec<Value> {
    let mut images = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let answer = list_page(endpoint, status, region, token.as_deref()).await;
        assert_eq!(answer.code, 0, "{answer:?}");
        images.extend(answer.body["images"].as_array().unwrap().iter().cloned());
        token = answer.body["nextToken"].as_str().map(str::to_owned);
        if token.is_none() {
            return images;
        }
    }
}
