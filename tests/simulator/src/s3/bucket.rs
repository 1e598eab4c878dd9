//! The operations on a bucket itself.

use crate::dispatch::Ask;
use crate::reply::Reply;
use crate::request::Request;
use crate::service::ServiceError;
use crate::state::State;
use crate::world::Bucket;
use crate::xml::Xml;

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

pub fn head(bucket: &Bucket) -> Reply {
    Reply::empty(200).header("x-amz-bucket-region", &bucket.region).header("x-amz-access-point-alias", "false")
}

/// S3 writes us-east-1 as an empty element.
pub fn location(bucket: &Bucket) -> Reply {
    let region = if bucket.region == "us-east-1" { "" } else { &bucket.region };
    let mut xml = Xml::new();
    xml.element(&format!("LocationConstraint xmlns=\"{NAMESPACE}\""), |xml| xml.characters(region));
    Reply::xml(200, xml.finish())
}

pub fn versioning(bucket: &Bucket) -> Reply {
    let mut xml = Xml::new();
    xml.element(&format!("VersioningConfiguration xmlns=\"{NAMESPACE}\""), |xml| {
        xml.optional("Status", bucket.versioning.as_deref())
    });
    Reply::xml(200, xml.finish())
}

pub fn put_versioning(bucket: &mut Bucket, request: &Request) -> Reply {
    bucket.versioning = between(&text(request), "<Status>", "</Status>");
    Reply::empty(200)
}

pub fn put_encryption(bucket: &mut Bucket, request: &Request) -> Reply {
    bucket.encryption = Some(text(request));
    Reply::empty(200)
}

pub fn put_policy(bucket: &mut Bucket, request: &Request) -> Reply {
    bucket.policy = Some(text(request));
    Reply::empty(204)
}

pub fn create(ask: &Ask, name: &str, state: &mut State) -> Result<Reply, ServiceError> {
    let caller = ask.caller;
    let body = text(ask.request);
    let constraint = between(&body, "<LocationConstraint>", "</LocationConstraint>");
    let region = constraint.unwrap_or_else(|| "us-east-1".into());
    if region != caller.region && caller.region != "us-east-1" {
        let message = format!(
            "The {region} location constraint is incompatible for the region specific endpoint this request was sent to."
        );
        let code = "IllegalLocationConstraintException";
        return Err(ServiceError::new(400, code, message));
    }
    let buckets = &mut state.world.buckets;
    if let Some(bucket) = buckets.iter().find(|bucket| bucket.name == name) {
        return Err(taken(bucket.account == caller.account));
    }
    buckets.push(Bucket { name: name.into(), account: caller.account.clone(), region, ..Bucket::default() });
    Ok(Reply::empty(200).header("location", &format!("/{name}")))
}

fn taken(by_caller: bool) -> ServiceError {
    let (code, message) = match by_caller {
        true => (
            "BucketAlreadyOwnedByYou",
            "Your previous request to create the named bucket succeeded and you already own it.",
        ),
        false => ("BucketAlreadyExists", "The requested bucket name is not available."),
    };
    ServiceError::new(409, code, message)
}

fn text(request: &Request) -> String {
    String::from_utf8_lossy(&super::chunked::body(request)).into_owned()
}

fn between(text: &str, start: &str, end: &str) -> Option<String> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(inside, _)| inside.to_owned())
}
