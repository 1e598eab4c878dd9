//! A request to AWS, and what it asks.

use std::collections::BTreeSet;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use bytes::Bytes;

/// A request to AWS.
pub(super) struct Asked {
    pub region: String,
    pub operation: String,
    pub is_retry: bool,
    pub subjects: Option<BTreeSet<String>>,
    pub request: http::Request<Bytes>,
}

impl Asked {
    pub(super) fn of(request: HttpRequest) -> Result<Self, ConnectorError> {
        let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let (parts, body) = request.into_parts();
        let body = Bytes::copy_from_slice(body.bytes().unwrap_or_default());
        let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        // `Credential=KEY/DATE/REGION/SERVICE/aws4_request`
        let scope = header("authorization").split_once("Credential=").map(|(_, scope)| scope).unwrap_or_default();
        let region = scope.split('/').nth(2).unwrap_or_default().to_owned();
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        let pairs = [&body[..], query].into_iter().flat_map(form_urlencoded::parse);
        let form: Vec<(String, String)> = pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let action = form.iter().find(|(name, _)| name == "Action").map(|(_, value)| value.as_str());
        let operation = action.unwrap_or(parts.uri.path().trim_start_matches('/')).to_owned();
        let is_retry = !header("amz-sdk-request").starts_with("attempt=1");
        let subjects = subjects(&form);
        Ok(Self { region, operation, is_retry, subjects, request: http::Request::from_parts(parts, body) })
    }
}

/// The names, ids and ARNs that a request asks for. `None`: it asks for all.
fn subjects(form: &[(String, String)]) -> Option<BTreeSet<String>> {
    // `Filter.1.Name=tag:parallelcluster:image_id`, `Filter.1.Value.1=hpc`
    let of_ids = form.iter().find(|(_, value)| value == "tag:parallelcluster:image_id");
    let values = of_ids.and_then(|(name, _)| name.strip_suffix("Name")).map(|filter| format!("{filter}Value."));
    let is_subject = |name: &str| {
        let is_one = matches!(name, "StackName" | "imageBuildVersionArn") || name.starts_with("ImageId.");
        is_one || values.as_ref().is_some_and(|values| name.starts_with(values))
    };
    let subjects: BTreeSet<String> =
        form.iter().filter(|(name, _)| is_subject(name)).map(|(_, value)| value.clone()).collect();
    (!subjects.is_empty()).then_some(subjects)
}
