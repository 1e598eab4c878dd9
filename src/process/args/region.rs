//! The region to use: the requested one, else that of the environment or the AWS profile.

use crate::aws;
use crate::describe_image::image_id::InvalidRegion;
use crate::describe_image::{ApiError, Region};
use crate::process::stderr::remark;

/// The `requested` region, else that of the environment or the AWS profile. `None` when neither names one.
///
/// # Errors
/// When the environment or the profile names something that is not a region.
pub async fn default_region(requested: Option<Region>) -> Result<Option<Region>, InvalidRegion> {
    match requested {
        Some(region) => Ok(Some(region)),
        None => aws::default_region().await.map(|name| Region::parse(&name)).transpose(),
    }
}

/// The `requested` region, else that of the environment or the AWS profile, with the API's rules.
///
/// # Errors
/// The API's own error, when there is no region or the name is not a region.
pub async fn asked_region(requested: Option<String>) -> Result<Region, ApiError> {
    let name = match requested.filter(|name| !name.is_empty()) {
        Some(name) => name,
        None => aws::default_region().await.ok_or_else(|| {
            remark("what to do: name it with --region, or set AWS_REGION");
            ApiError::bad_request("region needs to be set")
        })?,
    };
    Ok(Region::parse(&name)?)
}
