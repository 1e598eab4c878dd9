//! The command `logs`: prints the log of an image build.

use crate::aws::Aws;
use crate::describe_image::ApiError;
use crate::describe_image::image_build_log::ImageBuildLog;
use crate::describe_image::image_logs::{LogEvent, LogEvents, LogQuery};
use crate::describe_image::source::StorySource;
use crate::plain_text::escaped;
use crate::process::args::build::{BuildArgs, BuildOutput};
use crate::process::build::ended::Ended;
use crate::process::build::target::{Story, Target};
use crate::process::build::{LOOK, POLL, Progress, print_answer, print_event, to_its_end, wait_out};
use crate::process::stderr::remark;
use jiff::Timestamp;
use std::process::ExitCode;
use tokio::time::sleep;

/// What stands before each further line of a message.
const INDENT: &str = "\n    ";

/// So many reads without a new line, after the build has ended, are its end: Image Builder sends the last lines late.
const QUIET: u32 = 3;

pub async fn run(args: BuildArgs) -> ExitCode {
    to_its_end(&args, async { if args.follow { follow(&args).await } else { whole(&args).await } }).await
}

/// Prints what is there now.
async fn whole(args: &BuildArgs) -> Result<(), Ended> {
    let (target, aws) = Target::find(args, Story::Log).await?;
    let log = target.log(&aws).await?.ok_or_else(|| missing(&target))?;
    let reader = Reader { args, target: &target, aws: &aws, log: &log };
    let since = args.begins_at(Timestamp::now());
    let events = match args.tail {
        Some(tail) => reader.newest(tail, since).await?,
        None => reader.whole(since).await?,
    };
    let events = events.ok_or_else(|| missing(&target))?;
    if args.output == BuildOutput::Json { print_answer(&events) } else { print(&events.events, args) }
}

/// Prints what comes until the build has ended.
async fn follow(args: &BuildArgs) -> Result<(), Ended> {
    let since = args.begins_at(Timestamp::now());
    let (target, aws, log) = begun(args).await?;
    let reader = Reader { args, target: &target, aws: &aws, log: &log };
    let mut progress = Progress::new(&aws, &target);
    let mut query = LogQuery { since, from_head: true, ..LogQuery::default() };
    if let Some(tail) = args.tail {
        let newest = reader.newest(tail, since).await?.ok_or_else(|| missing(&target))?;
        print(&newest.events, args)?;
        query.token = newest.next_token;
    }
    let mut quiet = 0;
    while quiet < QUIET {
        let Some(part) = reader.part(&query).await? else {
            remark("the log was deleted");
            return Ok(());
        };
        print(&part.events, args)?;
        if part.next_token == query.token {
            quiet = if progress.is_over().await? { quiet + 1 } else { 0 };
            sleep(POLL).await;
        }
        query.token = part.next_token;
    }
    remark("the build has ended");
    Ok(())
}

/// The build and its log, as soon as there is one.
async fn begun(args: &BuildArgs) -> Result<(Target, Aws, ImageBuildLog), Ended> {
    let mut is_told = false;
    loop {
        let (target, aws) = Target::find(args, Story::Log).await?;
        if let Some(log) = target.log(&aws).await? {
            let reader = Reader { args, target: &target, aws: &aws, log: &log };
            if reader.part(&LogQuery { limit: Some(1), ..LogQuery::default() }).await?.is_some() {
                return Ok((target, aws, log));
            }
        }
        if Progress::new(&aws, &target).is_over().await? {
            return Err(missing(&target));
        }
        if !is_told {
            remark("the log has not begun yet: waiting for it");
            is_told = true;
        }
        sleep(LOOK).await;
    }
}

/// Reads the log of one build.
struct Reader<'a> {
    args: &'a BuildArgs,
    target: &'a Target,
    aws: &'a Aws,
    log: &'a ImageBuildLog,
}

impl Reader<'_> {
    /// One part of the log. `None` if there is no log.
    async fn part(&self, query: &LogQuery) -> Result<Option<LogEvents>, Ended> {
        loop {
            match self.aws.log_events(&self.target.scope, self.log, query, &self.target.turn()).await {
                Ok(part) => return Ok(part.events()),
                Err(error) => wait_out(error, self.args).await?,
            }
        }
    }

    /// The whole log. As text, each part is printed as soon as it is read, and not kept.
    async fn whole(&self, since: Option<Timestamp>) -> Result<Option<LogEvents>, Ended> {
        let mut query = LogQuery { since, from_head: true, ..LogQuery::default() };
        let mut all = LogEvents::default();
        loop {
            let Some(part) = self.part(&query).await? else { return Ok(None) };
            let is_end = part.next_token == query.token;
            if query.token.is_none() {
                all.prev_token = part.prev_token;
            }
            all.next_token.clone_from(&part.next_token);
            query.token = part.next_token;
            if self.args.output == BuildOutput::Text {
                print(&part.events, self.args)?;
            } else {
                all.events.extend(part.events);
            }
            if is_end {
                return Ok(Some(all));
            }
        }
    }

    /// The newest `count` lines.
    async fn newest(&self, count: u32, since: Option<Timestamp>) -> Result<Option<LogEvents>, Ended> {
        let mut all = LogEvents::default();
        let mut token = None;
        loop {
            let left = usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(all.events.len());
            let limit = Some(i32::try_from(left).unwrap_or(i32::MAX));
            let query = LogQuery { since, limit, token: token.clone(), ..LogQuery::default() };
            let Some(part) = self.part(&query).await? else { return Ok(None) };
            let is_all = part.events.len() >= left || part.prev_token == token;
            if token.is_none() {
                all.next_token = part.next_token;
            }
            all.events.splice(0..0, part.events);
            all.prev_token.clone_from(&part.prev_token);
            token = part.prev_token;
            if is_all {
                return Ok(Some(all));
            }
        }
    }
}

fn print(events: &[LogEvent], args: &BuildArgs) -> Result<(), Ended> {
    events.iter().try_for_each(|event| print_event(event, || line(event), args.output))
}

fn missing(target: &Target) -> Ended {
    if target.has_no_story() {
        remark("AWS has the image, and names no build of it, so no log");
    }
    Ended::Failed(ApiError::no_logs(&target.image_id))
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
