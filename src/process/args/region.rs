//! Which region is meant: the one that was asked for, else the environment's.

use crate::aws;
use crate::describe_image::image_id::InvalidRegion;
use crate::describe_image::{ApiError, Region};

/// The region that was asked for, else the environment's.
///
/// # Errors
/// When the environment names something that is no region.
pub async fn default_region(asked: Option<Region>) -> Result<Option<Region>, InvalidRegion> {
    match asked {
        Some(region) => Ok(Some(region)),
        None => aws::default_region().await.map(|name| Region::parse(&name)).transpose(),
    }
}

/// The region that was asked for, else the environment's, as the API does it.
///
/// # Errors
/// The API's own, when there is none or it is no region.
pub async fn asked_region(asked: Option<String>) -> Result<Region, ApiError> {
    let name = match asked.filter(|name| !name.is_empty()) {
        Some(name) => name,
        None => aws::default_region().await.ok_or_else(|| ApiError::bad_request("region needs to be set"))?,
    };
    Ok(Region::parse(&name)?)
}
