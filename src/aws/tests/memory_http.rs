//! `MemoryHttp`: an HTTP client whose answers come from a closure. No socket is opened.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use std::fmt;
use std::sync::Arc;

/// A reply as a server sends it.
#[derive(Clone, Default)]
pub struct Reply {
    pub status: u16,
    /// A header that HTTP does not allow is left out.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A person can read the body.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {}", self.status, self.headers, self.body.escape_ascii())
    }
}

type Answer = dyn Fn(&HttpRequest) -> Reply + Send + Sync;

/// A clone answers the same.
#[derive(Clone)]
pub struct MemoryHttp(Arc<Answer>);

impl MemoryHttp {
    pub fn new(answer: impl Fn(&HttpRequest) -> Reply + Send + Sync + 'static) -> Self {
        Self(Arc::new(answer))
    }
}

impl fmt::Debug for MemoryHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryHttp")
    }
}

impl HttpClient for MemoryHttp {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for MemoryHttp {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(response((self.0)(&request)))
    }
}

fn response(reply: Reply) -> Result<HttpResponse, ConnectorError> {
    let Reply { status, headers, body } = reply;
    let status = status.try_into().map_err(|error| ConnectorError::other(Box::new(error), None))?;
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    for (name, value) in headers {
        let _ = response.headers_mut().try_append(name, value);
    }
    Ok(response)
}

/// The operation that a request calls: `Action` of EC2's and CloudFormation's form, else the last part of the path.
pub fn operation(request: &HttpRequest) -> String {
    let form = String::from_utf8_lossy(request.body().bytes().unwrap_or_default());
    let action = form_urlencoded::parse(form.as_bytes()).find(|(name, _)| name == "Action");
    let path = || request.uri().split('?').next().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
    action.map_or_else(|| path().to_owned(), |(_, action)| action.into_owned())
}
