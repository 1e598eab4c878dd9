//! The real API server behind a proxy that can be told to answer by itself, as a load balancer or a webhook may.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kube::Client;
use serde_json::json;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Answers a request in place of the API server, by method and path.
type Rule = Box<dyn Fn(&str, &str) -> Option<StatusCode> + Send>;

#[derive(Clone)]
struct Shared {
    client: Client,
    rule: Arc<Mutex<Option<Rule>>>,
    struck: Arc<AtomicUsize>,
}

/// The proxy. It passes everything on until it has a rule.
pub struct FaultyServer {
    folder: tempfile::TempDir,
    shared: Shared,
}

impl FaultyServer {
    /// A proxy in front of the API server of `client`, with the rights of `client`.
    pub async fn start(client: Client) -> Self {
        let shared = Shared { client, rule: Arc::default(), struck: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(forward).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "faulty",
            "clusters": [{"name": "faulty", "cluster": {"server": format!("http://{address}")}}],
            "users": [{"name": "faulty", "user": {}}],
            "contexts": [{"name": "faulty", "context": {"cluster": "faulty", "user": "faulty"}}]
        });
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kubeconfig"), kubeconfig.to_string()).unwrap();
        Self { folder, shared }
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// From now on answers requests for which `rule` gives a status.
    pub fn answer(&self, rule: impl Fn(&str, &str) -> Option<StatusCode> + Send + 'static) {
        *self.shared.rule.lock().unwrap() = Some(Box::new(rule));
    }

    /// From now on passes everything on.
    pub fn heal(&self) {
        *self.shared.rule.lock().unwrap() = None;
    }

    /// How many requests it has answered by itself.
    pub fn struck(&self) -> usize {
        self.shared.struck.load(Ordering::Relaxed)
    }
}

async fn forward(State(shared): State<Shared>, request: Request) -> Response {
    let answer = {
        let rule = shared.rule.lock().unwrap();
        rule.as_ref().and_then(|rule| rule(request.method().as_str(), request.uri().path()))
    };
    if let Some(status) = answer {
        shared.struck.fetch_add(1, Ordering::Relaxed);
        return (status, "no such page").into_response();
    }
    let (mut parts, body) = request.into_parts();
    parts.headers.remove("host");
    let bytes = to_bytes(body, 16 << 20).await.unwrap();
    let forwarded = axum::http::Request::from_parts(parts, kube::client::Body::from(bytes.to_vec()));
    match shared.client.send(forwarded).await {
        Ok(reply) => reply.map(Body::new),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}
