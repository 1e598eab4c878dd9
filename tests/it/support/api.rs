//! The HTTP interface of an operator in the cluster, and its callers.

use super::http::{Reply, request_tls};
use super::lab::Lab;
use super::operator::Operator;
use cluster::Cluster;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// The name in the server's certificate.
pub const NAME: &str = "images.test";
pub const AUDIENCE: &str = "customimage-operator";

/// The folder of a server's certificate.
#[derive(Clone)]
pub struct Certificate(pub Arc<TempDir>);

impl Certificate {
    pub fn new() -> Self {
        let this = Self(Arc::new(tempfile::tempdir().unwrap()));
        this.change();
        this
    }

    /// Writes another one, of another CA.
    pub fn change(&self) {
        Cluster::server_certificate(self.0.path(), &[NAME]).unwrap();
    }

    pub fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }

    pub fn ca(&self) -> PathBuf {
        self.0.path().join("ca.crt")
    }
}

/// The interface of one operator.
pub struct ClusterApi {
    pub operator: Operator,
    pub address: String,
    certificate: Certificate,
}

impl ClusterApi {
    /// Starts an operator with the interface.
    pub async fn start(lab: &Lab, certificate: &Certificate, settings: &[(&str, &str)]) -> Self {
        let ours = [
            ("CUSTOMIMAGE_API_LISTEN", "127.0.0.1:0"),
            ("CUSTOMIMAGE_API_CERTIFICATE", certificate.path()),
            ("CUSTOMIMAGE_API_SERVER_NAME", NAME),
            ("CUSTOMIMAGE_API_REQUESTS_PER_SECOND", "10000"),
            ("CUSTOMIMAGE_SETTLED_INTERVAL", "10m"),
            ("POD_IP", "127.0.0.1"),
        ];
        let settings: Vec<_> = ours.iter().chain(settings).copied().collect();
        let operator = lab.operator(&settings).await;
        operator.logged("the HTTP interface is served").await;
        let log = operator.log();
        let line = log.iter().find(|line| line.contains("the HTTP interface is served")).unwrap();
        let address = line.split("listen=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
        Self { operator, address, certificate: certificate.clone() }
    }

    /// The answer to a request for `path`, with this token.
    pub async fn ask(&self, method: &str, path: &str, token: Option<&str>) -> Reply {
        self.ask_with(&self.certificate.ca(), method, path, token).await.unwrap()
    }

    /// The same, with another CA.
    pub async fn ask_with(&self, ca: &Path, method: &str, path: &str, token: Option<&str>) -> std::io::Result<Reply> {
        let authorization = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = authorization.iter().map(|value| ("Authorization", value.as_str())).collect();
        request_tls((&self.address, NAME, ca), method, path, &headers).await
    }

    /// The answer to a request about the lab's namespace: `rest` is the path of the API behind `/v3/images/custom`.
    pub async fn get(&self, lab: &Lab, rest: &str, token: &str) -> Reply {
        self.ask("GET", &format!("/namespaces/{}/v3/images/custom{rest}", lab.namespace), Some(token)).await
    }
}

/// A ServiceAccount of the lab's namespace.
pub struct Account {
    pub user: String,
    name: String,
    uid: String,
}

impl Account {
    pub async fn new(lab: &Lab, name: &str) -> Self {
        let object = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
        let accounts: Api<ServiceAccount> = Api::namespaced(lab.client.clone(), &lab.namespace);
        let account = accounts.create(&PostParams::default(), &object).await.unwrap();
        let user = format!("system:serviceaccount:{}:{name}", lab.namespace);
        Self { user, name: name.to_owned(), uid: account.metadata.uid.unwrap() }
    }

    /// One that has these rights in the namespace.
    pub async fn with(lab: &Lab, name: &str, rules: Value) -> Self {
        let account = Self::new(lab, name).await;
        lab.grant(&lab.namespace, &account.user, rules).await;
        account
    }

    /// One that may read everything of images, and a token of it.
    pub async fn reader(lab: &Lab) -> String {
        let all = json!([
            {"apiGroups": ["parallelcluster.dev"], "resources": ["images"], "verbs": ["get", "list"]},
            {
                "apiGroups": ["parallelcluster.dev"],
                "resources": ["images/logs", "images/stackevents", "images/configuration"],
                "verbs": ["get"]
            }
        ]);
        Self::with(lab, "reader", all).await.token(lab).await
    }

    /// A token for the interface.
    pub async fn token(&self, lab: &Lab) -> String {
        self.token_for(lab, &[AUDIENCE]).await
    }

    /// A token for these audiences. None: for the API server.
    pub async fn token_for(&self, lab: &Lab, audiences: &[&str]) -> String {
        let audiences = audiences.iter().map(|name| (*name).to_owned()).collect();
        let spec = TokenRequestSpec { audiences, ..TokenRequestSpec::default() };
        let request = TokenRequest { spec, ..TokenRequest::default() };
        let accounts: Api<ServiceAccount> = Api::namespaced(lab.client.clone(), &lab.namespace);
        let answer = accounts.create_token_request(&self.name, &PostParams::default(), &request).await.unwrap();
        answer.status.unwrap().token
    }

    /// A token that ends in so many seconds, or ended so many seconds ago.
    pub async fn token_until(&self, lab: &Lab, seconds: i64) -> String {
        let now = jiff::Timestamp::now().as_second();
        let claims = json!({
            "iss": "https://kubernetes.default.svc.cluster.local",
            "sub": self.user,
            "aud": [AUDIENCE],
            "iat": now - 3600, "nbf": now - 3600, "exp": now + seconds,
            "kubernetes.io": {
                "namespace": lab.namespace,
                "serviceaccount": {"name": self.name, "uid": self.uid}
            }
        });
        lab.sign(&claims).await
    }
}
