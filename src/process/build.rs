//! What the commands `logs` and `events` share: whose build it is, how its story is printed, and how they end.

pub mod ended;
pub mod target;

use crate::aws::Aws;
use crate::describe_image::observe::observe_one;
use crate::describe_image::observe::plan::Plan;
use crate::describe_image::{ApiError, SourceError, SourceErrorKind};
use crate::plain_text::escaped;
use crate::process::args::build::{BuildArgs, BuildOutput};
use crate::process::args::describe::Output;
use crate::process::stdout;
use ended::Ended;
use serde::Serialize;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;
use target::Target;
use tokio::time::{Instant, sleep};

/// The exit code when the credentials are refused, have expired, or are another account's.
const CREDENTIALS: u8 = 3;

/// The exit code of a program that was interrupted by Ctrl-C.
const INTERRUPTED: u8 = 130;

/// Time between two reads of `--follow`.
pub const POLL: Duration = Duration::from_secs(2);

/// The pause after a read that got no answer.
const PAUSE: Duration = Duration::from_secs(10);

/// Time between two looks whether the build goes on.
const LOOK: Duration = Duration::from_secs(10);

/// Runs a command until it ends or Ctrl-C interrupts it.
pub async fn to_its_end(args: &BuildArgs, command: impl Future<Output = Result<(), Ended>>) -> ExitCode {
    let ended = tokio::select! {
        ended = command => ended,
        _ = tokio::signal::ctrl_c() => {
            remark("interrupted");
            return ExitCode::from(INTERRUPTED);
        }
    };
    match ended {
        Ok(()) | Err(Ended::Unread) => ExitCode::SUCCESS,
        Err(Ended::Credentials(words)) => failed(args, &ApiError { status: 401, message: words }, CREDENTIALS.into()),
        Err(Ended::Failed(error)) => failed(args, &error, ExitCode::FAILURE),
    }
}

/// JSON output gets the API's error on stdout, as from the official program.
fn failed(args: &BuildArgs, error: &ApiError, code: ExitCode) -> ExitCode {
    if args.output == BuildOutput::Json {
        return stdout::print(error, Output::Json, code);
    }
    remark(&error.message);
    code
}

pub fn remark(text: &str) {
    let _ = writeln!(std::io::stderr(), "customimage-operator: {}", escaped(text));
}

/// Prints one event of `--follow`: a line of JSON, or a line for people.
///
/// # Errors
/// If nobody reads stdout any more.
pub fn print_event(event: &impl Serialize, line: impl FnOnce() -> String, output: BuildOutput) -> Result<(), Ended> {
    let text = match output {
        BuildOutput::Json => stdout::json_line(event),
        BuildOutput::Text => Ok(line()),
    };
    match text.map(|text| stdout::line(&text)) {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(Ended::Unread),
    }
}

/// Waits after a read that got no answer, and says so. Other errors end the command.
///
/// # Errors
/// If another read would get the same answer.
pub async fn wait_out(error: SourceError) -> Result<(), Ended> {
    match error.kind {
        SourceErrorKind::Throttled | SourceErrorKind::ServiceError => {
            remark(&format!("{}: {error}; it is read again in {PAUSE:?}", error.action()));
            sleep(PAUSE).await;
            Ok(())
        }
        _ => Err(error.into()),
    }
}

/// Whether the build of a `--follow` goes on. It looks now and then.
pub struct Progress<'a> {
    aws: &'a Aws,
    target: &'a Target,
    looked: Option<Instant>,
    is_over: bool,
}

impl<'a> Progress<'a> {
    pub fn new(aws: &'a Aws, target: &'a Target) -> Self {
        Self { aws, target, looked: None, is_over: false }
    }

    /// Whether the build has ended. An image that cannot be read counts as one that goes on.
    pub async fn is_over(&mut self) -> bool {
        if self.is_over || self.looked.is_some_and(|looked| looked.elapsed() < LOOK) {
            return self.is_over;
        }
        self.looked = Some(Instant::now());
        let seen = observe_one(self.aws, &self.target.scope, &self.target.image_id, Plan::once()).await;
        self.is_over = seen.is_ok_and(|observation| observation.build_is_over());
        self.is_over
    }
}
