//! The command `events`: prints the events of the stack that builds an image, also after the stack is gone.

use crate::aws::Aws;
use crate::describe_image::image_logs::{StackEvent, StackEvents};
use crate::describe_image::source::StorySource;
use crate::describe_image::{ApiError, SourceError};
use crate::plain_text::escaped;
use crate::process::args::build::{BuildArgs, BuildOutput};
use crate::process::build::ended::Ended;
use crate::process::build::target::{Story, Target};
use crate::process::build::{POLL, print_answer, print_event, to_its_end, wait_out};
use crate::process::stderr::remark;
use crate::process::stdout;
use anstyle::AnsiColor;
use jiff::Timestamp;
use std::collections::HashSet;
use std::process::ExitCode;
use tokio::time::sleep;

pub async fn run(args: BuildArgs) -> ExitCode {
    to_its_end(&args, tell(&args)).await
}

async fn tell(args: &BuildArgs) -> Result<(), Ended> {
    let since = args.begins_at(Timestamp::now());
    let (target, aws) = Target::find(args, Story::Events).await?;
    if args.follow {
        return follow(args, &target, &aws, since).await;
    }
    let mut events = loop {
        match all(&target, &aws, &HashSet::new()).await {
            Ok(events) => break events.ok_or_else(|| missing(&target))?,
            Err(error) => wait_out(error, args).await?,
        }
    };
    keep(&mut events, args, since);
    if args.output == BuildOutput::Json {
        return print_answer(&StackEvents { next_token: None, events });
    }
    events.iter().rev().try_for_each(|event| print_event(event, || line(event), args.output))
}

/// The events that are not `known`, the newest first. `None` if there is no such stack.
async fn all(target: &Target, aws: &Aws, known: &HashSet<String>) -> Result<Option<Vec<StackEvent>>, SourceError> {
    let (mut events, mut token) = (Vec::new(), None);
    loop {
        let page = aws.stack_events(&target.scope, target.stack(), token, &target.turn()).await?;
        let Some(page) = page else { return Ok(None) };
        for event in page.events {
            // Older events are known, too.
            if known.contains(&event.event_id) {
                return Ok(Some(events));
            }
            events.push(event);
        }
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(Some(events));
        }
    }
}

/// Keeps the events that were asked for.
fn keep(events: &mut Vec<StackEvent>, args: &BuildArgs, since: Option<Timestamp>) {
    let is_recent =
        |event: &StackEvent| since.is_none_or(|since| event.timestamp.parse::<Timestamp>().is_ok_and(|at| at >= since));
    events.retain(is_recent);
    events.truncate(args.tail.map_or(usize::MAX, |tail| usize::try_from(tail).unwrap_or(usize::MAX)));
}

/// Prints what comes until the stack has come to an end.
async fn follow(args: &BuildArgs, target: &Target, aws: &Aws, since: Option<Timestamp>) -> Result<(), Ended> {
    let (mut known, mut is_over) = (HashSet::new(), false);
    loop {
        let mut events = match all(target, aws, &known).await {
            Ok(Some(events)) => events,
            // Read by its name, a stack that is gone has no events.
            Ok(None) if !known.is_empty() => return Ok(()),
            Ok(None) => return Err(missing(target)),
            Err(error) => {
                wait_out(error, args).await?;
                continue;
            }
        };
        if events.is_empty() && is_over {
            remark("the stack has come to an end");
            return Ok(());
        }
        if let Some(newest) = events.first() {
            is_over = newest.ends_the_stack();
        }
        let ids: Vec<_> = events.iter().map(|event| event.event_id.clone()).collect();
        if known.is_empty() {
            keep(&mut events, args, since);
        }
        known.extend(ids);
        events.iter().rev().try_for_each(|event| print_event(event, || line(event), args.output))?;
        sleep(POLL).await;
    }
}

fn missing(target: &Target) -> Ended {
    Ended::Failed(ApiError::no_stack(&target.image_id))
}

/// A line for people. What failed is red on a terminal.
fn line(event: &StackEvent) -> String {
    let part = |text: &Option<String>| escaped(text.as_deref().unwrap_or("-")).into_owned();
    let reason = event.resource_status_reason.as_deref().map(|reason| format!("  {}", escaped(reason)));
    let text = format!(
        "{}  {:<20}  {:<24}  {}{}",
        event.timestamp,
        part(&event.resource_status),
        part(&event.logical_resource_id),
        part(&event.resource_type),
        reason.unwrap_or_default()
    );
    if !(event.tells_of_failure() && stdout::has_colors()) {
        return text;
    }
    let red = AnsiColor::Red.on_default();
    format!("{red}{text}{red:#}")
}
