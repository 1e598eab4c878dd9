//! The domain: builds the describeImage response from what AWS answered. Pure: no Kubernetes, no AWS SDK, no runtime,
//! no environment and no clock. `now` is always an argument.

pub mod api_error;
pub mod build_status;
pub mod image_build_log;
pub mod image_config;
pub mod image_id;
pub mod image_logs;
pub mod list_images;
pub mod observation;
pub mod observe;
pub mod presigned_url;
pub mod response;
pub mod scope;
pub mod source;
pub mod source_error;

pub use api_error::{ApiError, ImageNotFound};
pub use build_status::ImageBuildStatus;
pub use image_id::{ImageId, Region};
pub use observation::Observation;
pub use response::DescribeImageResponse;
pub use scope::{Identity, ImageRef, Role, Scope};
pub use source::Priority;
pub use source_error::{SourceError, SourceErrorKind};

use jiff::Timestamp;
use observation::{Ami, ImageBuild, Stack, tag, tag_key};
use response::{Ec2AmiInfo, ImageConfiguration, ImageFields};

/// Returns the response for an observed image. The URL of its configuration is the stable `s3://` form, or
/// NOT_AVAILABLE.
///
/// # Errors
/// If AWS has neither an AMI nor a stack for `id`.
pub fn describe(
    id: &ImageId,
    region: &Region,
    observation: &Observation,
) -> Result<DescribeImageResponse, ImageNotFound> {
    let image = match observation {
        Observation::Ami { ami, .. } => of_ami(ami),
        Observation::Stack { stack, image_build, refused: _ } => of_stack(stack, image_build.as_ref()),
        Observation::Absent { .. } => return Err(ImageNotFound(id.clone())),
    };
    let url = image_config::config_object(observation, region)
        .map_or_else(|| image_config::NOT_AVAILABLE.to_owned(), |object| object.s3_url());
    Ok(DescribeImageResponse {
        image_configuration: ImageConfiguration { url },
        image_id: id.to_string(),
        image,
        region: region.to_string(),
    })
}

/// Once there is an AMI, the response contains no field of a stack.
fn of_ami(ami: &Ami) -> ImageFields {
    let Ami { id, name, description, state, architecture, creation_date, tags, .. } = ami;
    ImageFields {
        image_build_status: Some(ImageBuildStatus::BuildComplete),
        version: tag(tags, tag_key::VERSION).map(str::to_owned),
        creation_time: creation_date.map(wire_time),
        ec2_ami_info: Some(Ec2AmiInfo {
            ami_name: name.clone(),
            ami_id: id.clone(),
            state: state.as_deref().map(str::to_uppercase),
            tags: tags.clone(),
            architecture: architecture.clone(),
            description: description.clone(),
        }),
        ..ImageFields::default()
    }
}

fn of_stack(stack: &Stack, image_build: Option<&ImageBuild>) -> ImageFields {
    let Stack { arn, status, status_reason, creation_time, tags, is_nested: _, first_failure: _ } = stack;
    ImageFields {
        image_build_status: status.as_deref().and_then(ImageBuildStatus::of_stack),
        version: tag(tags, tag_key::VERSION).map(str::to_owned),
        creation_time: None,
        ec2_ami_info: None,
        cloudformation_stack_arn: arn.clone(),
        cloudformation_stack_creation_time: creation_time.map(wire_time),
        cloudformation_stack_status: status.clone(),
        cloudformation_stack_status_reason: status_reason.clone(),
        cloudformation_stack_tags: Some(tags.clone()),
        image_build_logs_arn: tag(tags, tag_key::BUILD_LOG).map(str::to_owned),
        imagebuilder_image_status: image_build.and_then(|build| build.status.clone()),
        imagebuilder_image_status_reason: image_build.and_then(|build| build.reason.clone()),
    }
}

/// The API's date format: UTC, exactly three decimals, truncated and not rounded.
/// A time as the API gives it: UTC, with milliseconds.
#[must_use]
pub fn wire_time(time: Timestamp) -> String {
    let millis = time.as_nanosecond().div_euclid(1_000_000);
    let cut = i64::try_from(millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    format!("{:.3}", cut.unwrap_or(time))
}

#[cfg(test)]
mod tests;
