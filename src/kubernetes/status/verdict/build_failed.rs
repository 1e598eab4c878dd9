//! The words about a failed build: the message of BuildFailed, of DeleteFailed and of every state with a recorded failure.
//! Its middle part, about the stack and Image Builder, comes from `stack.rs`. Others use the sentence about the failing step.

use crate::describe_image::observation::{ImageBuild, Stack};
use crate::describe_image::source_error::redacted;
use crate::kubernetes::custom_image::build::Failure;
use crate::kubernetes::status::verdict::Story;

/// The message of a failed build. The failing step comes first, because users search for it in the console.
#[must_use]
pub fn message(about: String, stack: &Stack, build: Option<&ImageBuild>, story: &Story<'_>) -> String {
    let step = story.failure.and_then(sentence);
    let reason = build.and_then(|build| build.reason.as_deref()).filter(|reason| !reason.is_empty());
    let is_said = |reason: &str| step.as_deref().is_some_and(|step| step.ends_with(reason));
    let reason = reason.filter(|reason| !is_said(reason));
    let said = reason.map(|reason| format!("Image Builder: {}", redacted(reason)));
    let stack_said = stack.status_reason.as_deref().filter(|reason| !reason.is_empty());
    let stack_said = stack_said.map(|reason| format!("CloudFormation: {}", redacted(reason)));
    [step, Some(about), said, stack_said].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// Where and why the build failed, in one sentence. `None` if only the stack failed, or nothing more is known.
#[must_use]
pub fn sentence(failure: &Failure) -> Option<String> {
    failure.image_status.as_ref()?;
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
