//! The operations on an object.

use jiff::Timestamp;

use crate::clock::written_for_http;
use crate::digest;
use crate::reply::Reply;
use crate::request::Request;
use crate::service::ServiceError;
use crate::world::{Bucket, Object};

pub fn head(bucket: &Bucket, key: &str) -> Result<Reply, ServiceError> {
    let object = find(bucket, key)?;
    let reply = headers(Reply::empty(200), object);
    Ok(reply.header("content-length", &object.body.len().to_string()).header("content-type", &object.content_type))
}

pub fn get(bucket: &Bucket, key: &str) -> Result<Reply, ServiceError> {
    let object = find(bucket, key)?;
    Ok(headers(Reply::new(200, &object.content_type, object.body.clone()), object))
}

pub fn put(bucket: &mut Bucket, key: &str, request: &Request, now: Timestamp) -> Reply {
    let object = Object {
        key: key.into(),
        body: String::from_utf8_lossy(&super::chunked::body(request)).into_owned(),
        content_type: request.header("content-type").unwrap_or("binary/octet-stream").into(),
        last_modified: written_for_http(now),
    };
    let reply = Reply::empty(200).header("etag", &etag(&object));
    bucket.objects.retain(|other| other.key != key);
    bucket.objects.push(object);
    reply
}

pub fn delete(bucket: &mut Bucket, key: &str) -> Reply {
    bucket.objects.retain(|object| object.key != key);
    Reply::empty(204)
}

fn find<'a>(bucket: &'a Bucket, key: &str) -> Result<&'a Object, ServiceError> {
    let missing = || ServiceError::new(404, "NoSuchKey", "The specified key does not exist.").detail("Key", key);
    bucket.objects.iter().find(|object| object.key == key).ok_or_else(missing)
}

fn headers(reply: Reply, object: &Object) -> Reply {
    reply.header("etag", &etag(object)).header("last-modified", &object.last_modified).header("accept-ranges", "bytes")
}

/// Equal bodies have equal tags. It is not the MD5 that S3 would send.
fn etag(object: &Object) -> String {
    format!("\"{}\"", digest::hex(&["etag", &object.body], 32))
}
