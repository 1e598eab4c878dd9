//! `with_image_build`: reads the image build of a stack.

use crate::describe_image::build_status::ImageBuildStatus;
use crate::describe_image::image_id::ImageId;
use crate::describe_image::observation::{ImageBuild, Observation, Stack};
use crate::describe_image::observe::context::ReadContext;
use crate::describe_image::scope::Scope;
use crate::describe_image::source::ImageSource;
use crate::describe_image::source_error::{SourceError, SourceErrorKind};

/// Adds the image build to `stack`. If the read of the build fails, the build's fields are left out.
///
/// # Errors
/// If the read of the build is throttled, because then a retry of the whole image is likely to succeed.
pub async fn with_image_build<S: ImageSource>(
    source: &S,
    scope: &Scope,
    context: &impl ReadContext,
    id: &ImageId,
    mut stack: Stack,
) -> Result<Observation, SourceError> {
    let turn = context.turn(scope, id);
    let (image_build, refused) = match context.last(id).and_then(|last| ended_build(last, &stack)) {
        Some(image_build) => (Some(image_build), None),
        None => {
            let (mut image_build, refused) = match source.image_build(scope, id, &stack, &turn).await {
                Ok(image_build) => (image_build, None),
                Err(error) => (None, Some(error)),
            };
            let refused = refused.or_else(|| image_build.as_mut()?.refused.take());
            (image_build, refused)
        }
    };
    if let Some(error) = refused.as_ref().filter(|error| error.kind == SourceErrorKind::Throttled) {
        return Err(error.clone());
    }
    if may_have_failed(&stack, image_build.as_ref()) {
        // The image was observed, whatever becomes of this. The next read of the image asks again.
        stack.first_failure = source.first_failure(scope, &stack, &turn).await.unwrap_or_default();
    }
    Ok(Observation::Stack { stack, image_build, refused })
}

/// Whether the stack has come to an end that may be a failure, and not to that of an image that is done.
fn may_have_failed(stack: &Stack, image_build: Option<&ImageBuild>) -> bool {
    match stack.status.as_deref().and_then(ImageBuildStatus::of_stack) {
        Some(ImageBuildStatus::BuildFailed | ImageBuildStatus::DeleteFailed) => true,
        Some(ImageBuildStatus::DeleteInProgress) => {
            image_build.and_then(|build| build.status.as_deref()) != Some("AVAILABLE")
        }
        _ => false,
    }
}

/// The last observed build, if it cannot have changed: it has ended, and its stack has ended and is unchanged.
fn ended_build(last: Observation, stack: &Stack) -> Option<ImageBuild> {
    let Observation::Stack { stack: before, image_build: Some(build), refused: None } = last else { return None };
    let is_same = before.arn == stack.arn && before.status == stack.status;
    let has_ended = !stack.status.as_deref().unwrap_or_default().ends_with("_IN_PROGRESS")
        && matches!(build.status.as_deref(), Some("CANCELLED" | "FAILED" | "DELETED"));
    (is_same && has_ended).then_some(build)
}
