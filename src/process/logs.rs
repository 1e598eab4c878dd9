//! The command `logs`: prints the log of an image build.

use crate::aws::Aws;
use crate::describe_image::ApiError;
use crate::describe_image::image_build_log::ImageBuildLog;
use crate::describe_image::image_logs::{LogEvent, LogEvents, LogQuery};
use crate::plain_text::escaped;
use crate::process::args::build::{BuildArgs, BuildOutput};
use crate::process::args::describe::Output;
use crate::process::build::ended::Ended;
use crate::process::build::target::Target;
use crate::process::build::{POLL, Progress, print_event, remark, to_its_end, wait_out};
use crate::process::stdout;
use jiff::Timestamp;
use std::process::ExitCode;
use tokio::time::sleep;

/// The most events that CloudWatch gives at once.
const MOST: u32 = 10_000;

/// What stands before each further line of a message.
const INDENT: &str = "\n    ";

/// So many reads without a new line, after the build has ended, are its end: Image Builder sends the last lines late.
const QUIET: u32 = 3;

/// Exit code 0 with the log, 1 with the API's error, 3 for the wrong credentials.
pub async fn run(args: BuildArgs) -> ExitCode {
    let since = args.begins_at(Timestamp::now());
    to_its_end(&args, async {
        let (target, aws) = Target::find(&args).await?;
        if args.follow { follow(&args, &target, &aws, since).await } else { whole(&args, &target, &aws, since).await }
    })
    .await
}

/// Prints what is there now.
async fn whole(args: &BuildArgs, target: &Target, aws: &Aws, since: Option<Timestamp>) -> Result<(), Ended> {
    let log = target.log(aws).await?;
    let events = match &log {
        Some(log) => all(args, target, aws, log, since).await?,
        None => None,
    };
    let events = events.ok_or_else(|| missing(target))?;
    if args.output == BuildOutput::Json {
        stdout::print(&events, Output::Json, ExitCode::SUCCESS);
        return Ok(());
    }
    events.events.iter().try_for_each(|event| print_event(event, || line(event), args.output))
}

/// Every part of the log, or its newest lines.
async fn all(
    args: &BuildArgs,
    target: &Target,
    aws: &Aws,
    log: &ImageBuildLog,
    since: Option<Timestamp>,
) -> Result<Option<LogEvents>, Ended> {
    let mut left = args.tail;
    let newest = |left: Option<u32>| left.map(|left| i32::try_from(left.min(MOST)).unwrap_or(i32::MAX));
    let mut query = LogQuery { since, newest: newest(left), token: None };
    let mut all = LogEvents::default();
    loop {
        let Some(part) = aws.log_events(&target.scope, log, &query).await? else { return Ok(None) };
        let count = u32::try_from(part.events.len()).unwrap_or(u32::MAX);
        let next = if args.tail.is_some() { part.prev_token.clone() } else { part.next_token.clone() };
        let is_first = query.token.is_none();
        if args.tail.is_some() {
            all.events.splice(0..0, part.events);
        } else {
            all.events.extend(part.events);
        }
        // The tokens are for what comes after, and before, all that was read.
        if is_first || args.tail.is_none() {
            all.next_token = part.next_token;
        }
        if is_first || args.tail.is_some() {
            all.prev_token = part.prev_token;
        }
        left = left.map(|left| left.saturating_sub(count));
        if left == Some(0) || next == query.token {
            return Ok(Some(all));
        }
        query = LogQuery { newest: newest(left), token: next, ..query };
    }
}

/// Prints what comes until the build has ended.
async fn follow(args: &BuildArgs, target: &Target, aws: &Aws, since: Option<Timestamp>) -> Result<(), Ended> {
    let mut progress = Progress::new(aws, target);
    let log = begun(target, aws, &mut progress).await?;
    let newest = args.tail.map(|tail| i32::try_from(tail.min(MOST)).unwrap_or(i32::MAX));
    let (mut query, mut quiet) = (LogQuery { since, newest, token: None }, 0);
    while quiet < QUIET {
        let part = match aws.log_events(&target.scope, &log, &query).await {
            Ok(Some(part)) => part,
            Ok(None) => return Err(missing(target)),
            Err(error) => {
                wait_out(error).await?;
                continue;
            }
        };
        part.events.iter().try_for_each(|event| print_event(event, || line(event), args.output))?;
        let is_at_end = part.next_token == query.token;
        query = LogQuery { since, newest: None, token: part.next_token };
        if is_at_end {
            quiet = if progress.is_over().await { quiet + 1 } else { 0 };
            sleep(POLL).await;
        }
    }
    remark("the build has ended");
    Ok(())
}

/// The log, as soon as there is one.
async fn begun(target: &Target, aws: &Aws, progress: &mut Progress<'_>) -> Result<ImageBuildLog, Ended> {
    let mut is_told = false;
    loop {
        match target.log(aws).await {
            Ok(Some(log)) => {
                match aws.log_events(&target.scope, &log, &LogQuery { newest: Some(1), ..LogQuery::default() }).await {
                    Ok(Some(_)) => return Ok(log),
                    Ok(None) => {}
                    Err(error) => wait_out(error).await?,
                }
            }
            Ok(None) => {}
            Err(error) => wait_out(error).await?,
        }
        if progress.is_over().await {
            return Err(missing(target));
        }
        if !is_told {
            remark("the log has not begun yet: waiting for it");
            is_told = true;
        }
        sleep(POLL).await;
    }
}

fn missing(target: &Target) -> Ended {
    let id = &target.image_id;
    let message = format!("Unable to find image logs, please double check if image id={id} is correct.");
    Ended::Failed(ApiError { status: 404, message })
}

/// An event for people. Others wrote the message: a control character must not control the terminal. The further lines of a
/// message are indented, so that none looks like another event.
fn line(event: &LogEvent) -> String {
    let lines = event.message.trim_end().lines().map(|line| escaped(line).into_owned());
    format!("{} {}", event.timestamp, lines.collect::<Vec<_>>().join(INDENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_can_neither_forge_an_event_nor_control_the_terminal() {
        let message = "first\n2026-11-27T00:00:00.000Z forged\u{1b}[2J\n".to_owned();
        let text = line(&LogEvent { message, timestamp: "2026-11-27T01:02:03.004Z".into() });
        assert_eq!(text, "2026-11-27T01:02:03.004Z first\n    2026-11-27T00:00:00.000Z forged\\u{1b}[2J");
    }
}
