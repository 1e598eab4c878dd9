//! S3's REST-XML protocol, path style and virtual-host style: the operations on buckets and objects that describing an
//! image needs.

mod access;
mod address;
mod bucket;
mod chunked;
mod object;
mod presigned;

use crate::dispatch::Ask;
use crate::reply::Reply;
use crate::request::Request;
use crate::service::ServiceError;
use crate::state::State;
use address::Address;

/// AWS's name of the operation, from method, path and query.
pub(crate) fn operation(request: &Request) -> &'static str {
    let address = Address::of(request);
    let asks_for = |name: &str| request.query.iter().any(|(key, _)| key == name);
    let is_object = address.key.is_some();
    match (request.method.as_str(), is_object) {
        _ if address.bucket.is_empty() => "ListBuckets",
        ("HEAD", false) => "HeadBucket",
        ("GET", false) if asks_for("location") => "GetBucketLocation",
        ("GET", false) if asks_for("versioning") => "GetBucketVersioning",
        ("GET", false) => "ListObjectsV2",
        ("PUT", false) if asks_for("versioning") => "PutBucketVersioning",
        ("PUT", false) if asks_for("encryption") => "PutBucketEncryption",
        ("PUT", false) if asks_for("policy") => "PutBucketPolicy",
        ("PUT", false) if request.query.iter().all(|(key, _)| key.starts_with("X-Amz-") || key == "x-id") => {
            "CreateBucket"
        }
        ("PUT", false) => "PutBucketOther",
        ("DELETE", false) => "DeleteBucket",
        ("HEAD", true) => "HeadObject",
        ("GET", true) => "GetObject",
        ("PUT", true) => "PutObject",
        ("DELETE", true) => "DeleteObject",
        (_, false) => "PostBucket",
        (_, true) => "PostObject",
    }
}

/// `BUCKET/KEY`.
pub(crate) fn subject(request: &Request) -> String {
    let address = Address::of(request);
    match address.key {
        Some(key) => format!("{}/{key}", address.bucket),
        None => address.bucket,
    }
}

pub(crate) fn operate(ask: &Ask, state: &mut State) -> Result<Reply, ServiceError> {
    presigned::check(ask.request, state.clock.now())?;
    let address = Address::of(ask.request);
    let key = address.key.as_deref().unwrap_or_default();
    if ask.operation == "CreateBucket" {
        return bucket::create(ask, &address.bucket, state);
    }
    let now = state.clock.now();
    let bucket = access::bucket(ask, &address.bucket, &mut state.world)?;
    match ask.operation {
        "HeadBucket" => Ok(bucket::head(bucket)),
        "GetBucketLocation" => Ok(bucket::location(bucket)),
        "GetBucketVersioning" => Ok(bucket::versioning(bucket)),
        "PutBucketVersioning" => Ok(bucket::put_versioning(bucket, ask.request)),
        "PutBucketEncryption" => Ok(bucket::put_encryption(bucket, ask.request)),
        "PutBucketPolicy" => Ok(bucket::put_policy(bucket, ask.request)),
        "HeadObject" => object::head(bucket, key),
        "GetObject" => object::get(bucket, key),
        "PutObject" => Ok(object::put(bucket, key, ask.request, now)),
        "DeleteObject" => Ok(object::delete(bucket, key)),
        _ => Err(ServiceError::new(
            501,
            "NotImplemented",
            "A header you provided implies functionality that is not implemented.",
        )),
    }
}
