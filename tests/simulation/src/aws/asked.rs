//! A request to AWS, and what it asks.

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use bytes::Bytes;

/// A request to AWS.
pub(super) struct Asked {
    pub region: String,
    pub operation: String,
    pub is_retry: bool,
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
        let form = std::str::from_utf8(&body).unwrap_or_default();
        let action = form.split('&').find_map(|pair| pair.strip_prefix("Action="));
        let operation = action.unwrap_or(parts.uri.path().trim_start_matches('/')).to_owned();
        let is_retry = !header("amz-sdk-request").starts_with("attempt=1");
        Ok(Self { region, operation, is_retry, request: http::Request::from_parts(parts, body) })
    }
}
