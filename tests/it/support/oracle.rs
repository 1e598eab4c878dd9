//! The official program: `pcluster describe-image` from PyPI, in a virtual environment of its own.

use super::describe::{Answer, clean, finish};
use std::path::PathBuf;
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

/// The command line of `pcluster describe-image`. A proxy that refuses keeps it from fetching its list of regions.
fn program(endpoint: &str, id: &str, region: &str) -> Command {
    let mut command = Command::new(ENVIRONMENT.join("bin/pcluster"));
    clean(&mut command, endpoint);
    command
        .env("https_proxy", "http://127.0.0.1:9")
        .env("HOME", std::env::temp_dir())
        .env("AWS_MAX_ATTEMPTS", "2")
        .args(["describe-image", "--image-id", id, "--region", region]);
    command
}

/// What the official program answers.
pub async fn describe(endpoint: &str, id: &str, region: &str) -> Answer {
    finish(program(endpoint, id, region)).await
}

/// `None` when it has not answered within `limit`; it is ended then.
pub async fn describe_within(endpoint: &str, id: &str, region: &str, limit: Duration) -> Option<Answer> {
    tokio::time::timeout(limit, finish(program(endpoint, id, region))).await.ok()
}
