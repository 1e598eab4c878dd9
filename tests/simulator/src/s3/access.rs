//! Access to a bucket: it must exist, be in the request's region, have the expected owner, and not deny the caller.

use crate::caller::Caller;
use crate::dispatch::Ask;
use crate::service::ServiceError;
use crate::world::{Bucket, World};

pub fn bucket<'a>(ask: &Ask, name: &str, world: &'a mut World) -> Result<&'a mut Bucket, ServiceError> {
    let missing =
        || ServiceError::new(404, "NoSuchBucket", "The specified bucket does not exist").detail("BucketName", name);
    let bucket = world.buckets.iter_mut().find(|bucket| bucket.name == name).ok_or_else(missing)?;
    let is_location = ask.operation == "GetBucketLocation";
    if !is_location {
        check_region(ask, bucket)?;
    }
    let expected_owner = ask.request.header("x-amz-expected-bucket-owner");
    let is_expected = expected_owner.is_none_or(|owner| owner == bucket.account);
    if bucket.denied || !is_expected || !may_use(ask.caller, bucket) {
        return Err(
            ServiceError::new(403, "AccessDenied", "Access Denied").header("x-amz-bucket-region", &bucket.region)
        );
    }
    Ok(bucket)
}

fn may_use(caller: &Caller, bucket: &Bucket) -> bool {
    bucket.account == caller.account || bucket.shared_with.contains(&caller.account)
}

/// SigV2 names no region, so that any region is right.
fn check_region(ask: &Ask, bucket: &Bucket) -> Result<(), ServiceError> {
    let is_sigv2 = ask.request.query("AWSAccessKeyId").is_some()
        || ask.request.header("authorization").is_some_and(|header| header.starts_with("AWS "));
    if is_sigv2 || bucket.region == ask.caller.region {
        return Ok(());
    }
    let error = if ask.request.query("X-Amz-Credential").is_some() {
        let message = format!(
            "Error parsing the X-Amz-Credential parameter; the region '{}' is wrong; expecting '{}'",
            ask.caller.region, bucket.region
        );
        ServiceError::new(400, "AuthorizationQueryParametersError", message).detail("Region", &bucket.region)
    } else {
        let message = "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.";
        ServiceError::new(301, "PermanentRedirect", message)
            .detail("Bucket", &bucket.name)
            .detail("Endpoint", &format!("s3.{}.amazonaws.com", bucket.region))
    };
    Err(error.header("x-amz-bucket-region", &bucket.region))
}
