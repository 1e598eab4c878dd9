//! The words about a failed build: the message of BuildFailed, of DeleteFailed and of every state with a recorded failure.
//! Its middle part, about the stack and Image Builder, comes from `stack.rs`. Others use the sentence about the failing step.

use crate::describe_image::observation::{ImageBuild, Stack};
use crate::describe_image::source_error::redacted;
use crate::kubernetes::custom_image::build::{Failure, StackEvent};
use crate::kubernetes::status::moment::Moment;
use crate::kubernetes::status::verdict::Story;

/// The message of a failed build: the failing step, what shows more about it, and then what each service says.
#[must_use]
pub fn message(
    about: String,
    stack: &Stack,
    build: Option<&ImageBuild>,
    story: &Story<'_>,
    moment: &Moment<'_>,
) -> String {
    let step = story.failure.and_then(sentence);
    let advice = advice(story, moment);
    let reason = build.and_then(|build| build.reason.as_deref()).filter(|reason| !reason.is_empty());
    let is_said = |reason: &str| step.as_deref().is_some_and(|step| step.ends_with(reason));
    let reason = reason.filter(|reason| !is_said(reason));
    let said = reason.map(|reason| format!("Image Builder: {}", redacted(reason)));
    let stack_said = stack.status_reason.as_deref().filter(|reason| !reason.is_empty());
    let stack_said = stack_said.map(|reason| format!("CloudFormation: {}", redacted(reason)));
    let about = Some(about);
    // What failed comes first, and then what to do.
    let told = if step.is_some() { [step, Some(advice), about] } else { [about, Some(advice), None] };
    told.into_iter().chain([said, stack_said]).flatten().collect::<Vec<_>>().join("; ")
}

/// The command that shows why the build failed: its log, or the events of its stack if there is no log.
#[must_use]
pub fn advice(story: &Story<'_>, moment: &Moment<'_>) -> String {
    let has_log = story.build.is_some_and(|build| build.log_stream.is_some());
    let command = if has_log { "logs" } else { "events" };
    format!("what to do: customimage-operator {command} {}", moment.object)
}

/// Where and why the build failed, in one sentence. `None` if nothing more is known than that the stack failed.
#[must_use]
pub fn sentence(failure: &Failure) -> Option<String> {
    if failure.image_status.is_none() {
        let StackEvent { resource, status, reason } = failure.stack_event.as_ref()?;
        let reason = reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        return Some(format!("failed at resource {resource} ({status}){reason}"));
    }
    let part = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!("{name} {value}"));
    let parts = [
        part("workflow step", &failure.step),
        part("component", &failure.component),
        part("phase", &failure.phase),
        part("step", &failure.action),
    ];
    let place = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    match (place.is_empty(), failure.message.as_deref()) {
        (true, None) => None,
        (true, Some(message)) => Some(format!("failed: {message}")),
        (false, None) => Some(format!("failed at {place}")),
        (false, Some(message)) => Some(format!("failed at {place}: {message}")),
    }
}
