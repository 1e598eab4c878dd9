//! `Leader`: passes a request on to the replica that leads, with the caller's token, over TLS that is verified. Only one hop.

use super::certificate::Certificate;
use crate::http_api::{Failure, REQUEST_ID};
use axum::body::{Body, Bytes};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use axum::response::Response;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// A request that has been passed on is not passed on again.
const PASSED_ON: HeaderName = HeaderName::from_static("x-customimage-passed-on");

/// Headers that are about a connection, and not about the answer.
const OF_CONNECTION: [HeaderName; 4] = [header::CONNECTION, header::TRANSFER_ENCODING, header::DATE, REQUEST_ID];

/// How long it may take to connect.
const PATIENCE: Duration = Duration::from_secs(5);
/// When a caller may ask again. A new leader is known after a few seconds.
const PAUSE: Duration = Duration::from_secs(5);

pub struct Leader {
    address: watch::Receiver<Option<SocketAddr>>,
    certificate: watch::Receiver<Arc<Certificate>>,
    server_name: Option<String>,
}

impl Leader {
    pub fn new(
        address: watch::Receiver<Option<SocketAddr>>,
        certificate: watch::Receiver<Arc<Certificate>>,
        server_name: Option<String>,
    ) -> Self {
        Self { address, certificate, server_name }
    }

    /// The leader's answer.
    ///
    /// # Errors
    /// If no leader is known, it does not answer, or it is not who it should be.
    pub async fn pass_on(
        &self,
        method: &Method,
        target: &PathAndQuery,
        headers: &HeaderMap,
    ) -> Result<Response, Failure> {
        let unavailable =
            |why: &str| Failure::unavailable(format!("this replica of the server does not lead, and {why}"), PAUSE);
        if headers.contains_key(PASSED_ON) {
            return Err(unavailable("neither does the one that passed the request on"));
        }
        let address = *self.address.borrow();
        let address = address.ok_or_else(|| unavailable("none is known to lead"))?;
        let name =
            self.server_name.clone().ok_or_else(|| unavailable("has no --api-server-name to verify the leader"))?;
        let asked = self.ask(address, &name, (method, target, headers)).await;
        asked.map_err(|error| {
            tracing::warn!(%address, error = error.to_string(), "the leader does not answer");
            unavailable("the leader does not answer")
        })
    }

    async fn ask(
        &self,
        address: SocketAddr,
        name: &str,
        (method, target, headers): (&Method, &PathAndQuery, &HeaderMap),
    ) -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
        let tls = TlsConnector::from(self.certificate.borrow().client.clone());
        let server = ServerName::try_from(name.to_owned())?;
        let connecting = async { tls.connect(server, TcpStream::connect(address).await?).await };
        let stream = timeout(PATIENCE, connecting).await??;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the answer, or when the caller is gone.
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(target.as_str()).header(header::HOST, name);
        for header in [header::AUTHORIZATION, REQUEST_ID] {
            if let Some(value) = headers.get(&header) {
                request = request.header(header, value);
            }
        }
        let request = request.header(PASSED_ON, HeaderValue::from_static("1")).body(Empty::<Bytes>::new())?;
        let (told, body) = sender.send_request(request).await?.into_parts();
        let mut response = Response::new(Body::new(body));
        *response.status_mut() = told.status;
        *response.headers_mut() = told.headers;
        for header in OF_CONNECTION {
            response.headers_mut().remove(header);
        }
        Ok(response)
    }
}
