//! The real API server behind a proxy that can be told to answer by itself, as a load balancer or a webhook may, and to
//! treat watches badly.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use kube::Client;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// Answers a request in place of the API server, by method and path.
type Rule = Box<dyn Fn(&str, &str) -> Option<StatusCode> + Send>;

#[derive(Clone)]
struct Shared {
    client: Client,
    rule: Arc<Mutex<Option<Rule>>>,
    struck: Arc<AtomicUsize>,
    /// What happens to the watches that run when it changes. Later ones are not concerned.
    fate: watch::Sender<Fate>,
    /// Writes of a status are done, and then answered so.
    lost: Arc<Mutex<Option<StatusCode>>>,
    /// What is written into a status: this text becomes the other.
    altered: Arc<Mutex<Option<(String, String)>>>,
    /// Watches do not deliver what contains this text.
    swallowed: Arc<Mutex<Option<String>>>,
    /// The answer to every watch that begins.
    refusal: Arc<Mutex<Option<Value>>>,
    /// The token that a request must have. It passes any while it is empty.
    token: Arc<Mutex<String>>,
}

/// What happens to a watch.
#[derive(Clone, Copy)]
enum Fate {
    Frozen,
    Cut,
}

/// The proxy. It passes everything on until it has a rule.
pub struct FaultyServer {
    folder: tempfile::TempDir,
    shared: Shared,
}

impl FaultyServer {
    /// A proxy in front of the API server of `client`, with the rights of `client`.
    pub async fn start(client: Client) -> Self {
        let shared = Shared {
            client,
            rule: Arc::default(),
            struck: Arc::default(),
            fate: watch::channel(Fate::Cut).0,
            lost: Arc::default(),
            altered: Arc::default(),
            swallowed: Arc::default(),
            refusal: Arc::default(),
            token: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(forward).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let server = Self { folder: tempfile::tempdir().unwrap(), shared };
        server.write_kubeconfig(&address.to_string(), "kubeconfig", json!({}));
        let plugin = server.plugin();
        let exec = json!({
            "apiVersion": "client.authentication.k8s.io/v1", "command": plugin, "interactiveMode": "Never",
            "provideClusterInfo": false
        });
        server.write_kubeconfig(&address.to_string(), "kubeconfig-of-plugin", json!({"exec": exec}));
        server
    }

    fn write_kubeconfig(&self, address: &str, file: &str, user: Value) {
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "faulty",
            "clusters": [{"name": "faulty", "cluster": {"server": format!("http://{address}")}}],
            "users": [{"name": "faulty", "user": user}],
            "contexts": [{"name": "faulty", "context": {"cluster": "faulty", "user": "faulty"}}]
        });
        std::fs::write(self.folder.path().join(file), kubeconfig.to_string()).unwrap();
    }

    /// A plugin that gives the token of the file `token`, and notes each run in the file `runs`. Like those of the cloud
    /// providers, it promises that the token is valid for long.
    fn plugin(&self) -> PathBuf {
        let (folder, plugin) = (self.folder.path().display(), self.folder.path().join("plugin"));
        let answer = r#"{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"expirationTimestamp": "2126-01-01T00:00:00Z", "token": "%s"}}"#;
        let script = format!("#!/bin/sh\necho run >> {folder}/runs\nprintf '{answer}' \"$(cat {folder}/token)\"\n");
        std::fs::write(&plugin, script).unwrap();
        std::fs::set_permissions(&plugin, std::fs::Permissions::from_mode(0o755)).unwrap();
        plugin
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// A kubeconfig whose credentials come from a plugin.
    pub fn kubeconfig_of_plugin(&self) -> PathBuf {
        self.folder.path().join("kubeconfig-of-plugin")
    }

    /// From now on only requests with this token pass. The plugin gives it when it is asked.
    pub fn demand(&self, token: &str) {
        std::fs::write(self.folder.path().join("token"), token).unwrap();
        *self.shared.token.lock().unwrap() = token.to_owned();
    }

    /// How often the plugin ran.
    pub fn plugin_runs(&self) -> usize {
        std::fs::read_to_string(self.folder.path().join("runs")).unwrap_or_default().lines().count()
    }

    /// The running watches stay open and deliver nothing more. Later ones pass.
    pub fn freeze_watches(&self) {
        self.shared.fate.send_replace(Fate::Frozen);
    }

    /// The running watches end. Later ones get `answer`, a Status.
    pub fn refuse_watches(&self, answer: Value) {
        *self.shared.refusal.lock().unwrap() = Some(answer);
        self.shared.fate.send_replace(Fate::Cut);
    }

    /// From now on each status is written with `to` in place of `from`, as by a mutating webhook.
    pub fn alter(&self, from: &str, to: &str) {
        *self.shared.altered.lock().unwrap() = Some((from.to_owned(), to.to_owned()));
    }

    /// From now on each status is written, but the answer is lost. A proxy answers with this in its place.
    pub fn lose_answers(&self, code: StatusCode) {
        *self.shared.lost.lock().unwrap() = Some(code);
    }

    /// From now on watches do not deliver what contains `text`.
    pub fn swallow(&self, text: &str) {
        *self.shared.swallowed.lock().unwrap() = Some(text.to_owned());
    }

    /// From now on answers requests for which `rule` gives a status.
    pub fn answer(&self, rule: impl Fn(&str, &str) -> Option<StatusCode> + Send + 'static) {
        *self.shared.rule.lock().unwrap() = Some(Box::new(rule));
    }

    /// From now on passes everything on.
    pub fn heal(&self) {
        *self.shared.rule.lock().unwrap() = None;
        *self.shared.lost.lock().unwrap() = None;
        *self.shared.refusal.lock().unwrap() = None;
    }

    /// How many requests it has answered by itself.
    pub fn struck(&self) -> usize {
        self.shared.struck.load(Ordering::Relaxed)
    }
}

/// Whether it is an apply of a status: the operator's usual write.
pub fn is_apply_of_status(method: &str, path: &str) -> bool {
    method == "PATCH" && path.ends_with("/status")
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
    let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
    if let Some(refused) = refused(&shared, &request, is_watch) {
        return refused;
    }
    let (mut parts, body) = request.into_parts();
    parts.headers.remove("host");
    parts.headers.remove("authorization");
    let mut bytes = to_bytes(body, 16 << 20).await.unwrap();
    let altered = shared.altered.lock().unwrap().clone();
    if let Some((from, to)) = altered.filter(|_| parts.uri.path().ends_with("/status")) {
        let text = String::from_utf8_lossy(&bytes).replace(&from, &to);
        parts.headers.insert("content-length", text.len().into());
        bytes = text.into_bytes().into();
    }
    let lost = shared.lost.lock().unwrap().filter(|_| parts.uri.path().ends_with("/status"));
    let forwarded = axum::http::Request::from_parts(parts, kube::client::Body::from(bytes.to_vec()));
    match shared.client.send(forwarded).await {
        Ok(reply) if is_watch => reply.map(|body| watched(&shared, Body::new(body))),
        Ok(reply) => lost.map_or_else(|| reply.map(Body::new), |code| (code, "late").into_response()),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

fn refused(shared: &Shared, request: &Request, is_watch: bool) -> Option<Response> {
    let token = format!("Bearer {}", shared.token.lock().unwrap());
    let has = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    if token != "Bearer " && has != Some(token.as_str()) {
        shared.struck.fetch_add(1, Ordering::Relaxed);
        return Some((StatusCode::UNAUTHORIZED, "Unauthorized").into_response());
    }
    let answer = shared.refusal.lock().unwrap().clone().filter(|_| is_watch)?;
    shared.struck.fetch_add(1, Ordering::Relaxed);
    let code = u16::try_from(answer["code"].as_u64().unwrap()).unwrap();
    let code = StatusCode::from_u16(code).unwrap();
    // An overloaded API server answers plain text, and says only in a header how long to wait.
    match answer["details"]["retryAfterSeconds"].as_u64() {
        Some(seconds) => Some((code, [("retry-after", seconds.to_string())], "Too many requests").into_response()),
        None => Some((code, answer.to_string()).into_response()),
    }
}

/// The events of a watch, until its fate changes.
fn watched(shared: &Shared, body: Body) -> Body {
    let state = (body.into_data_stream(), shared.fate.subscribe(), shared.swallowed.clone());
    Body::from_stream(futures::stream::unfold(state, |(mut events, mut fate, swallowed)| async move {
        loop {
            // The API server sends each event as a piece of its own.
            let event = tokio::select! {
                biased;
                _ = fate.changed() => {
                    let fate = *fate.borrow();
                    match fate {
                        Fate::Frozen => std::future::pending().await,
                        Fate::Cut => return None,
                    }
                }
                event = events.next() => event?,
            };
            let text = event.as_ref().map(|event| String::from_utf8_lossy(event).into_owned()).unwrap_or_default();
            let is_swallowed = swallowed.lock().unwrap().as_ref().is_some_and(|swallowed| text.contains(swallowed));
            if !is_swallowed {
                return Some((event, (events, fate, swallowed)));
            }
        }
    }))
}
