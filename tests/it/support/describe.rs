//! Our program as a child process, and `describe` in particular.

use serde_json::Value;
use std::process::Stdio;
use tokio::process::Command;

/// The output of a program.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What it printed on stdout.
    pub text: String,
    /// The same, as JSON.
    pub body: Value,
    pub code: i32,
    pub stderr: String,
    /// When the program had ended, in seconds since 1970.
    pub at: i64,
}

/// Our program, with test credentials and no endpoint but this one.
pub fn program(endpoint: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_customimage-operator"));
    clean(&mut command, endpoint);
    command
}

/// Keeps the machine's own configuration out of a test.
pub fn clean(command: &mut Command, endpoint: &str) {
    command
        .env_clear()
        .envs(["PATH", "HOME", "TMPDIR"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ACCESS_KEY_ID", "AKIA111122223333EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_ENDPOINT_URL", endpoint)
        .stdin(Stdio::null());
}

/// Runs the command to its end and parses stdout as JSON; `Null` if it is not JSON.
pub async fn finish(mut command: Command) -> Answer {
    let output = command.kill_on_drop(true).output().await.unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Answer { text, body, code: output.status.code().unwrap_or(-1), stderr, at: jiff::Timestamp::now().as_second() }
}

/// `describe --image-id ID --region REGION`.
pub async fn describe(endpoint: &str, id: &str, region: &str) -> Answer {
    let mut command = program(endpoint);
    command.args(["describe", "--image-id", id, "--region", region, "--aws-max-attempts", "2"]);
    finish(command).await
}
