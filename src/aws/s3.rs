//! S3: checks whether a bucket can be used and in which region it is, and presigns a GET of an object. Never a write.

use crate::describe_image::image_config::ConfigObject;
use crate::describe_image::image_id::Region;
use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::PresigningConfig;
use std::time::{Duration, SystemTime};

/// The IAM action that HeadBucket needs.
pub const HEAD_BUCKET: &str = "s3:ListBucket";

/// How long a presigned URL is valid, as in the ParallelCluster API.
pub const PRESIGNED_FOR: Duration = Duration::from_secs(3600);

/// Where a bucket is, relative to one region.
#[derive(Debug, PartialEq, Eq)]
pub enum Bucket {
    Here,
    Elsewhere(Region),
    Unusable,
}

/// Finds the bucket of `object` with the client of the region `here`. S3 names a bucket's region even if it refuses the
/// call.
pub async fn find_bucket(client: &Client, object: &ConfigObject, here: &Region) -> Bucket {
    let head = client.head_bucket().bucket(&object.bucket).set_expected_bucket_owner(object.expected_owner.clone());
    let (is_usable, named) = match head.send().await {
        Ok(reply) => (true, reply.bucket_region),
        Err(error) => {
            let header = error.raw_response().and_then(|reply| reply.headers().get("x-amz-bucket-region"));
            (false, header.map(str::to_owned))
        }
    };
    match named.and_then(|name| Region::parse(&name).ok()) {
        Some(region) if region != *here => Bucket::Elsewhere(region),
        Some(_) | None if is_usable => Bucket::Here,
        Some(_) | None => Bucket::Unusable,
    }
}

/// A presigned GET of `object`. It expires with the credentials, at the latest after [`PRESIGNED_FOR`]. Signing sends
/// nothing.
pub async fn sign(client: &Client, credentials: Credentials, object: &ConfigObject) -> Option<String> {
    let left = credentials.expiry().map(|end| end.duration_since(SystemTime::now()).unwrap_or_default());
    let lifetime = left.map_or(PRESIGNED_FOR, |left| left.min(PRESIGNED_FOR));
    let signer = Client::from_conf(client.config().to_builder().credentials_provider(credentials).build());
    let config = PresigningConfig::expires_in(Duration::from_secs(lifetime.as_secs())).ok()?;
    let request = signer.get_object().bucket(&object.bucket).key(&object.key).presigned(config).await.ok()?;
    Some(request.uri().to_owned())
}
