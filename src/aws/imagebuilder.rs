//! EC2 Image Builder: reads the state of an image build version, and which step failed.

use super::budget::RateLimit;
use super::error::{is_missing, required, source_error};
use crate::describe_image::observation::{FailedStep, ImageBuild};
use crate::describe_image::source::Turn;
use crate::describe_image::source_error::shortened;
use aws_sdk_imagebuilder::Client;
use aws_sdk_imagebuilder::types::{ComponentFailureContext, ImageFailureContext};

/// The IAM name of the call.
pub const GET_IMAGE: &str = "imagebuilder:GetImage";

/// The image build version `arn`. It has only the ARN if it was deleted or has no state. An error is in its field
/// `refused`.
pub async fn image_build(client: &Client, rate_limit: &RateLimit, turn: &Turn, arn: &str) -> ImageBuild {
    let _permit = rate_limit.take(turn).await;
    let nothing = ImageBuild { arn: Some(arn.to_owned()), ..ImageBuild::default() };
    // Boxed, because thousands of reads may wait for the budget.
    let reply = match Box::pin(client.get_image().image_build_version_arn(arn).send()).await {
        Ok(reply) => reply,
        Err(error) if is_missing(&error) => return nothing,
        Err(error) => return ImageBuild { refused: Some(source_error(GET_IMAGE, &error)), ..nothing },
    };
    match required(reply.image, GET_IMAGE, "image").map(|image| image.state) {
        Err(error) => ImageBuild { refused: Some(error), ..nothing },
        Ok(None) => nothing,
        Ok(Some(state)) => ImageBuild {
            status: state.status.map(|status| status.as_str().to_owned()),
            reason: state.reason,
            failed_step: state.failure_context.and_then(failed_step),
            ..nothing
        },
    }
}

/// The step that failed, `None` if the context has no details.
fn failed_step(context: ImageFailureContext) -> Option<FailedStep> {
    let ImageFailureContext { failed_step, component_failure, distribution_failure, .. } = context;
    let component = component_failure.unwrap_or_else(|| ComponentFailureContext::builder().build());
    let failed = FailedStep {
        step: failed_step,
        component: component.component_arn,
        phase: component.phase_name,
        action: component.step_name,
        message: component
            .error_message
            .or_else(|| distribution_failure?.error_message)
            .map(|message| shortened(&message).into_owned()),
    };
    (failed != FailedStep::default()).then_some(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failed_step_has_every_detail_of_the_context() {
        let component = ComponentFailureContext::builder()
            .component_arn("arn:c")
            .phase_name("build")
            .step_name("InstallPackages")
            .action("ExecuteBash")
            .error_message("exit status 1")
            .build();
        let context = ImageFailureContext::builder().failed_step("RunComponents").component_failure(component).build();
        let text = |text: &str| Some(text.to_owned());
        let expected = FailedStep {
            step: text("RunComponents"),
            component: text("arn:c"),
            phase: text("build"),
            action: text("InstallPackages"),
            message: text("exit status 1"),
        };
        assert_eq!(failed_step(context), Some(expected));
        assert_eq!(failed_step(ImageFailureContext::builder().build()), None);
    }
}
