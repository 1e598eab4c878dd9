//! Kubeconfig files, in JSON, which is valid YAML. Keys and certificates are embedded, so a copy works anywhere.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::json;

use crate::certificate::Identity;

/// The name of the context and of the cluster in every kubeconfig.
pub const CONTEXT: &str = "local-cluster";

pub fn render(server: &str, authority: &Identity, user: &str, identity: &Identity) -> String {
    let data = |pem: String| BASE64_STANDARD.encode(pem);
    let cluster = json!({ "server": server, "certificate-authority-data": data(authority.certificate_pem()) });
    let credentials = json!({
        "client-certificate-data": data(identity.certificate_pem()),
        "client-key-data": data(identity.key.private_pem()),
    });
    let kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": CONTEXT, "cluster": cluster }],
        "users": [{ "name": user, "user": credentials }],
        "contexts": [{ "name": CONTEXT, "context": { "cluster": CONTEXT, "user": user } }],
        "current-context": CONTEXT,
    });
    format!("{kubeconfig:#}\n")
}
