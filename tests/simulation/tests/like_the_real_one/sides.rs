//! The two sides: a real cluster, and the server in memory. Both are asked by raw requests of the same client library.

use customimage_operator::kubernetes::{CustomImage, crd};
use http_body_util::BodyExt;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ListParams, PostParams};
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::Value;
use simulation::api_server::{ApiServer, Faultless};
use std::sync::Arc;
use std::time::Duration;

/// How long a watch may be silent until its events count as complete.
const SILENCE: Duration = Duration::from_millis(300);

pub struct Side {
    pub client: Client,
    /// Time that the side needs until its watch cache has caught up. None in memory.
    pub lag: Duration,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: &'static str,
    pub path: String,
    pub content_type: &'static str,
    pub accept: &'static str,
    pub body: Option<Value>,
}

impl Side {
    pub fn in_memory() -> Self {
        let server = ApiServer::new(jiff::Timestamp::now);
        // A real one has not seen the changes before the CRD was installed.
        server.forget_history();
        let client = server.client("script", Arc::new(Faultless));
        Self { client, lag: Duration::ZERO }
    }

    pub async fn real(cluster: &cluster::Cluster) -> Self {
        let kubeconfig = Kubeconfig::read_from(cluster.kubeconfig_path()).unwrap();
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        let client = Client::try_from(config).unwrap();
        let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
        crds.create(&PostParams::default(), &crd().unwrap()).await.unwrap();
        let images: Api<CustomImage> = Api::all(client.clone());
        let served = async {
            while images.list(&ListParams::default()).await.is_err() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), served).await.unwrap();
        // Its first watches may not be ready yet.
        tokio::time::sleep(Duration::from_secs(2)).await;
        Self { client, lag: Duration::from_millis(100) }
    }

    /// The code and the body of the answer. A body that is not JSON is a text.
    pub async fn ask(&self, asked: &Asked) -> (u16, Value) {
        let reply = self.client.send(request(asked)).await.unwrap();
        let code = reply.status().as_u16();
        let bytes = reply.into_body().collect().await.unwrap().to_bytes();
        let text = || Value::from(String::from_utf8_lossy(&bytes).into_owned());
        (code, serde_json::from_slice(&bytes).unwrap_or_else(|_| text()))
    }

    /// Waits until the watch cache has caught up.
    pub async fn catches_up(&self) {
        tokio::time::sleep(self.lag).await;
    }

    /// Opens a watch.
    pub async fn watch(&self, asked: &Asked) -> Watch {
        self.catches_up().await;
        let reply = self.client.send(request(asked)).await.unwrap();
        Watch { code: reply.status().as_u16(), body: Some(reply.into_body()) }
    }
}

/// An open watch. Dropping it closes it.
pub struct Watch {
    pub code: u16,
    /// `None` once the server has ended it.
    body: Option<Body>,
}

impl Watch {
    /// The events until it is silent. The last one tells if it has ended.
    pub async fn events(&mut self) -> Value {
        let mut bytes = Vec::new();
        while let Some(body) = &mut self.body {
            match tokio::time::timeout(SILENCE, body.frame()).await {
                Ok(Some(frame)) => bytes.extend(frame.unwrap().into_data().unwrap_or_default()),
                Ok(None) => {
                    bytes.extend(b"\n\"it ends\"\n");
                    self.body = None;
                }
                Err(_) => break,
            }
        }
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice::<Value>(line).unwrap()).collect()
    }
}

fn request(asked: &Asked) -> http::Request<Body> {
    let body = asked.body.as_ref().map(|body| body.to_string().into_bytes()).unwrap_or_default();
    let request = http::Request::builder().method(asked.method).uri(&asked.path).header("accept", asked.accept);
    request.header("content-type", asked.content_type).body(Body::from(body)).unwrap()
}
