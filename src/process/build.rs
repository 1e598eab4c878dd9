//! What the commands `logs` and `events` share: whose build it is, how its story is printed, and how they end.

pub mod ended;
pub mod target;

use crate::aws::Aws;
use crate::describe_image::observe::observe_one;
use crate::describe_image::observe::plan::Plan;
use crate::describe_image::{ApiError, SourceError, SourceErrorKind};
use crate::process::args::build::{BuildArgs, BuildOutput};
use crate::process::args::describe::Output;
use crate::process::stderr::remark;
use crate::process::{exit_code, stdout};
use ended::{Ended, words};
use serde::Serialize;
use std::io::ErrorKind;
use std::process::ExitCode;
use std::time::Duration;
use target::Target;
use tokio::time::{Instant, sleep};

/// Time between two reads of `--follow`.
pub const POLL: Duration = Duration::from_secs(2);

/// The pause after a read that got no answer.
const PAUSE: Duration = Duration::from_secs(10);

/// Time between two looks whether the build has begun, or goes on.
pub const LOOK: Duration = Duration::from_secs(10);

/// Runs a command until it ends or Ctrl-C interrupts it.
pub async fn to_its_end(args: &BuildArgs, command: impl Future<Output = Result<(), Ended>>) -> ExitCode {
    let ended = tokio::select! {
        ended = command => ended,
        _ = tokio::signal::ctrl_c() => {
            remark("interrupted");
            return ExitCode::from(exit_code::INTERRUPTED);
        }
    };
    match ended {
        Ok(()) | Err(Ended::Unread) => ExitCode::SUCCESS,
        Err(Ended::Failed(error)) => failed(args, &error),
    }
}

/// JSON output gets the API's error on stdout, as from the official program. Events that are followed are on stdout already.
fn failed(args: &BuildArgs, error: &ApiError) -> ExitCode {
    let code = exit_code::of(error);
    if args.output == BuildOutput::Json && !args.follow {
        return stdout::print(error, Output::Json, code);
    }
    remark(&error.message);
    code
}

/// Prints the whole answer as JSON.
///
/// # Errors
/// If it cannot be written.
pub fn print_answer(answer: &impl Serialize) -> Result<(), Ended> {
    let text = stdout::json(answer).map_err(unwritten)?;
    written(stdout::line(&text))
}

/// Prints one event of `--follow`: a line of JSON, or a line for people.
///
/// # Errors
/// If it cannot be written.
pub fn print_event(event: &impl Serialize, line: impl FnOnce() -> String, output: BuildOutput) -> Result<(), Ended> {
    let text = match output {
        BuildOutput::Json => stdout::json_line(event),
        BuildOutput::Text => Ok(line()),
    };
    written(stdout::line(&text.map_err(unwritten)?))
}

fn written(result: std::io::Result<()>) -> Result<(), Ended> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Ended::Unread),
        result => result.map_err(|error| unwritten(error.to_string())),
    }
}

fn unwritten(why: String) -> Ended {
    Ended::Failed(ApiError { status: 500, message: format!("cannot write the answer: {why}") })
}

/// A command that follows waits after a read that another one may mend, and says so.
///
/// # Errors
/// If another read would get the same answer, or the command does not follow.
pub async fn wait_out(error: SourceError, args: &BuildArgs) -> Result<(), Ended> {
    match error.kind {
        SourceErrorKind::Throttled | SourceErrorKind::ServiceError if args.follow => {
            remark(&format!("{}; it is read again in {PAUSE:?}", words(&error)));
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

    /// Whether the build has ended. An image that cannot be read for a moment counts as one that goes on.
    ///
    /// # Errors
    /// If the image may not be read.
    pub async fn is_over(&mut self) -> Result<bool, Ended> {
        if self.is_over || self.looked.is_some_and(|looked| looked.elapsed() < LOOK) {
            return Ok(self.is_over);
        }
        self.looked = Some(Instant::now());
        match observe_one(self.aws, &self.target.scope, &self.target.image_id, Plan::once(), &()).await {
            Ok(observation) => self.is_over = observation.build_is_over(),
            Err(error) => match error.source_error.kind {
                SourceErrorKind::Throttled | SourceErrorKind::ServiceError => {}
                _ => return Err(error.source_error.into()),
            },
        }
        Ok(self.is_over)
    }
}
