//! EC2 Image Builder: the state of an image build version, and which step failed.

use super::budget::Bucket;
use super::error::source_error;
use crate::describe_image::observation::ImageBuild;
use crate::describe_image::source_error::SourceError;
use aws_sdk_imagebuilder::Client;
use aws_sdk_imagebuilder::error::ProvideErrorMetadata;
use aws_sdk_imagebuilder::types::ImageFailureContext;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};

/// The IAM name of the call.
pub const GET_IMAGE: &str = "imagebuilder:GetImage";

/// The state of the image build version `arn`, `None` when there is none.
pub async fn image_build(client: &Client, bucket: &Bucket, arn: &str) -> Result<Option<ImageBuild>, SourceError> {
    bucket.take().await;
    let reply = match client.get_image().image_build_version_arn(arn).send().await {
        Ok(reply) => reply,
        Err(error) if is_missing(error.as_service_error().and_then(ProvideErrorMetadata::code)) => return Ok(None),
        Err(error) => return Err(source_error(GET_IMAGE, &error)),
    };
    let state = reply.image.and_then(|image| image.state);
    Ok(state.map(|state| ImageBuild {
        status: state.status.map(|status| status.as_str().to_owned()),
        reason: state.reason,
        failed_step: state.failure_context.as_ref().and_then(failed_step),
    }))
}

/// The image was deleted. By its code: a gateway's 404 says nothing of the image.
fn is_missing(code: Option<&str>) -> bool {
    code == Some("ResourceNotFoundException")
}

/// One sentence on the step that failed, from the parts that are known.
fn failed_step(context: &ImageFailureContext) -> Option<String> {
    let component = context.component_failure.as_ref();
    let distribution = context.distribution_failure.as_ref();
    let parts = [
        context.failed_step.as_deref().map(|step| format!("workflow step {step}")),
        component.and_then(|c| c.component_arn.as_deref()).map(|arn| format!("component {arn}")),
        component.and_then(|c| c.phase_name.as_deref()).map(|phase| format!("phase {phase}")),
        component.and_then(|c| c.step_name.as_deref()).map(|step| format!("step {step}")),
        component.and_then(|c| c.action.as_deref()).map(|action| format!("action {action}")),
    ];
    let place = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let message = component
        .and_then(|component| component.error_message.as_deref())
        .or_else(|| distribution.and_then(|distribution| distribution.error_message.as_deref()));
    match (place.is_empty(), message) {
        (true, None) => None,
        (true, Some(message)) => Some(message.to_owned()),
        (false, None) => Some(place),
        (false, Some(message)) => Some(format!("{place}: {message}")),
    }
}

/// Image Builder's own throttling code is none that the SDK knows to try again.
#[derive(Debug)]
pub struct RateLimitIsThrottling;

impl ClassifyRetry for RateLimitIsThrottling {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.response().map(|reply| reply.status().as_u16()) {
            Some(429) => RetryAction::throttling_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "RateLimitIsThrottling"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_imagebuilder::types::ComponentFailureContext;

    #[test]
    fn the_failed_step_names_each_known_part_once() {
        let component = ComponentFailureContext::builder()
            .component_arn("arn:c")
            .phase_name("build")
            .step_name("InstallPackages")
            .action("ExecuteBash")
            .error_message("exit status 1")
            .build();
        let context = ImageFailureContext::builder().failed_step("RunComponents").component_failure(component).build();
        assert_eq!(
            failed_step(&context).as_deref(),
            Some(
                "workflow step RunComponents, component arn:c, phase build, step InstallPackages, action ExecuteBash: exit status 1"
            )
        );
        assert_eq!(failed_step(&ImageFailureContext::builder().build()), None);
    }
}
