//! The caller of a request: service, region and account, read from the signature's credential scope. The signature
//! itself is not checked.

use crate::logs;
use crate::request::Request;
use crate::service::{Service, ServiceError};
use crate::state::State;
use crate::world::World;

#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub service: Service,
    pub region: String,
    pub account: String,
    /// `None` if the request is not signed.
    pub access_key: Option<String>,
}

impl Caller {
    pub fn of(request: &Request, world: &World) -> Self {
        let scope = request.header("authorization").and_then(header_scope).or_else(|| query_scope(request));
        let (access_key, region, service) = match scope {
            Some(scope) => (Some(scope.access_key), scope.region, scope.service),
            None => (None, None, None),
        };
        let account =
            access_key.as_deref().map_or_else(|| world.defaults.account.clone(), |key| account_of(key, world));
        Self {
            service: service.as_deref().and_then(Service::by_name).unwrap_or_else(|| guessed(request)),
            region: region.unwrap_or_else(|| world.defaults.region.clone()),
            account,
            access_key,
        }
    }

    /// Checks the caller's credentials.
    ///
    /// # Errors
    /// The service's own error if they are missing, unknown or expired.
    pub fn authenticate(&self, state: &State) -> Result<(), ServiceError> {
        let Some(access_key) = &self.access_key else {
            return Err(self.service.missing_token());
        };
        if access_key.starts_with("AKIAINVALID") {
            return Err(self.service.invalid_key());
        }
        if access_key.starts_with("ASIAEXPIRED") || state.session_is_over(access_key) {
            return Err(self.service.expired());
        }
        Ok(())
    }
}

/// The service that the request is signed for, if the simulator does not implement it.
pub(crate) fn unknown_service(request: &Request) -> Option<String> {
    let scope = request.header("authorization").and_then(header_scope)?;
    scope.service.filter(|name| Service::by_name(name).is_none())
}

struct Scope {
    access_key: String,
    /// `None` for SigV2, which names no region.
    region: Option<String>,
    service: Option<String>,
}

/// Parses `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …`, or SigV2's `AWS KEY:SIGNATURE`, which
/// only S3 accepts.
fn header_scope(authorization: &str) -> Option<Scope> {
    if let Some(simple) = authorization.strip_prefix("AWS ") {
        let (access_key, _) = simple.split_once(':')?;
        return Some(Scope { access_key: access_key.to_owned(), region: None, service: Some("s3".into()) });
    }
    let (_, credential) = authorization.split_once("Credential=")?;
    scope(credential.split([',', ' ']).next()?)
}

fn query_scope(request: &Request) -> Option<Scope> {
    if let Some(access_key) = request.query("AWSAccessKeyId") {
        return Some(Scope { access_key: access_key.to_owned(), region: None, service: Some("s3".into()) });
    }
    scope(request.query("X-Amz-Credential")?)
}

fn scope(credential: &str) -> Option<Scope> {
    let mut parts = credential.split('/');
    let (access_key, _date, region, service) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some(Scope {
        access_key: access_key.to_owned(),
        region: Some(region.to_owned()),
        service: Some(service.to_owned()),
    })
}

/// Guesses the service of an unsigned request from its path, target or API version. Everything else is S3.
fn guessed(request: &Request) -> Service {
    if request.path == "/GetImage" {
        return Service::ImageBuilder;
    }
    if request.header("x-amz-target").is_some_and(|target| target.starts_with(logs::TARGET)) {
        return Service::Logs;
    }
    match request.parameters().get("Version") {
        Some("2016-11-15") => Service::Ec2,
        Some("2010-05-15") => Service::CloudFormation,
        Some("2011-06-15") => Service::Sts,
        _ => Service::S3,
    }
}

fn account_of(access_key: &str, world: &World) -> String {
    let configured = world.credentials.iter().find(|credential| credential.access_key == access_key);
    match configured {
        Some(credential) => credential.account.clone(),
        None => twelve_digits(access_key).unwrap_or(&world.defaults.account).to_owned(),
    }
}

fn twelve_digits(access_key: &str) -> Option<&str> {
    let is_digits = |window: &&[u8]| window.iter().all(u8::is_ascii_digit);
    let start = access_key.as_bytes().windows(12).position(|window| is_digits(&window))?;
    access_key.get(start..start + 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_read_from_the_access_key() {
        assert_eq!(twelve_digits("AKIA111122223333EXAMPLE"), Some("111122223333"));
        assert_eq!(twelve_digits("AKIA1111222EXAMPLE"), None);
    }

    #[test]
    fn the_scope_gives_region_and_service() {
        let header =
            "AWS4-HMAC-SHA256 Credential=AKIA1/20250101/eu-west-1/ec2/aws4_request, SignedHeaders=host, Signature=0";
        let scope = header_scope(header).unwrap();
        assert_eq!(
            (scope.access_key.as_str(), scope.region.as_deref(), scope.service.as_deref()),
            ("AKIA1", Some("eu-west-1"), Some("ec2"))
        );
    }
}
