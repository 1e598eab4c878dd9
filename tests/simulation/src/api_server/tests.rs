//! The server's semantics, with a real kube client, in virtual time.

mod apply;
mod faults;
mod reads;
mod watches;
mod writes;

use super::{ApiServer, Faultless, Link};
use customimage_operator::kubernetes::CustomImage;
use jiff::{SignedDuration, Timestamp};
use kube::api::{Patch, PatchParams};
use kube::core::Request;
use kube::{Api, Client, Resource};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::time::Instant;

/// A server whose clock is tokio's, with the namespaces `a` and `b`.
fn server() -> ApiServer {
    let (begin, at): (Instant, Timestamp) = (Instant::now(), "2026-11-24T10:00:00Z".parse().unwrap());
    let server = ApiServer::new(move || at + SignedDuration::try_from(begin.elapsed()).unwrap());
    server.create_namespace("a", &[]);
    server.create_namespace("b", &[("team", "hpc")]);
    server
}

fn client(server: &ApiServer) -> Client {
    linked(server, Faultless)
}

fn linked(server: &ApiServer, link: impl Link + 'static) -> Client {
    server.client("one", Arc::new(link))
}

fn images(client: &Client) -> Api<CustomImage> {
    Api::namespaced(client.clone(), "a")
}

fn spec(id: &str) -> Value {
    json!({"imageId": id})
}

/// Applies a status as the operator does.
async fn apply(client: &Client, name: &str, version: Option<&str>, status: Value) -> kube::Result<Value> {
    let body = json!({
        "apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage",
        "metadata": {"name": name, "resourceVersion": version}, "status": status
    });
    let params = PatchParams::apply("customimage-operator").force();
    let request = Request::new(CustomImage::url_path(&(), Some("a")));
    let request = request.patch_subresource("status", name, &params, &Patch::Apply(&body)).unwrap();
    client.request(request).await
}

fn condition(kind: &str, status: &str) -> Value {
    json!({"type": kind, "status": status, "reason": "R", "message": "m", "lastTransitionTime": "2026-11-24T10:00:00Z"})
}

fn version(object: &Value) -> &str {
    object["metadata"]["resourceVersion"].as_str().unwrap()
}

/// The code and the reason of a refusal.
fn refusal<T: std::fmt::Debug>(result: kube::Result<T>) -> (u16, String) {
    match result {
        Err(kube::Error::Api(status)) => (status.code, status.reason),
        other => panic!("no refusal: {other:?}"),
    }
}
