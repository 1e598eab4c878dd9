//! What users and other programs do in the cluster, the misbehaving ones among them.

use fastrand::Rng;
use serde_json::{Value, json};

use crate::api_server::ApiServer;
use crate::plan::NAMESPACES;

/// Something that a user does with one object.
#[derive(Clone, Debug)]
pub struct Deed {
    pub namespace: &'static str,
    pub name: String,
    pub what: What,
}

#[derive(Clone, Debug)]
pub enum What {
    /// Creates it, with this spec.
    Create(Value),
    Delete,
    /// Deletes it and creates it anew at once, with this spec.
    Replace(Value),
    Suspend(bool),
    /// Requests a read now, with this value of the annotation.
    Request(String),
    Label(String),
    /// Writes into the status, as another program would.
    WriteStatus(Value),
    /// Applies a field of the status, as another program would, and stays its owner.
    ApplyStatus(Value),
}

impl Deed {
    pub fn create(rng: &mut Rng, id: &str, region: &str) -> Self {
        Self {
            namespace: NAMESPACES[rng.usize(..NAMESPACES.len())],
            name: name(rng, id),
            what: What::Create(spec(id, region)),
        }
    }

    pub fn any(rng: &mut Rng, id: &str, region: &str) -> Self {
        let what = match rng.u8(..16) {
            0..=2 => What::Create(spec(id, region)),
            3 | 4 => What::Delete,
            5 | 6 => What::Replace(spec(id, region)),
            7 => What::Suspend(true),
            8 | 9 => What::Suspend(false),
            10 | 11 => What::Request(rng.u32(..).to_string()),
            12 => What::Label(rng.u8(..4).to_string()),
            13 => What::WriteStatus(foreign(rng)),
            14 => What::WriteStatus(Value::Null),
            _ => What::ApplyStatus(foreign(rng)),
        };
        Self { namespace: NAMESPACES[rng.usize(..NAMESPACES.len())], name: name(rng, id), what }
    }

    /// What few users do: an object without a region, or with one that AWS does not have, or a request that is too long.
    pub fn odd(rng: &mut Rng, id: &str) -> Self {
        let (name, what) = match rng.u8(..3) {
            0 => (format!("{id}-anywhere"), What::Create(json!({"imageId": id}))),
            1 => (format!("{id}-nowhere"), What::Create(spec(id, NOWHERE))),
            _ => (id.to_owned(), What::Request("x".repeat(rng.usize(250..260)))),
        };
        Self { namespace: NAMESPACES[rng.usize(..NAMESPACES.len())], name, what }
    }

    pub fn apply(&self, api: &ApiServer) {
        let (namespace, name) = (self.namespace, self.name.as_str());
        // What cannot be done is not done: a user sees an error then.
        match &self.what {
            What::Create(spec) => drop(api.create_image(namespace, name, spec.clone())),
            What::Delete => drop(api.delete_image(namespace, name)),
            What::Replace(spec) => {
                let _ = api.delete_image(namespace, name);
                let _ = api.create_image(namespace, name, spec.clone());
            }
            What::Suspend(suspend) => {
                if let Some(mut spec) = api.image(namespace, name).map(|object| object["spec"].clone()) {
                    spec["suspend"] = json!(suspend);
                    let _ = api.replace_spec(namespace, name, spec);
                }
            }
            What::Request(value) => drop(api.annotate(namespace, name, "reconcile.fluxcd.io/requestedAt", Some(value))),
            What::Label(value) => drop(api.label(namespace, name, "team", Some(value))),
            What::WriteStatus(status) => drop(api.replace_status("somebody", namespace, name, status.clone())),
            What::ApplyStatus(status) => drop(api.apply_status("somebody", namespace, name, status.clone())),
        }
    }
}

/// One or two objects have the same image.
fn name(rng: &mut Rng, id: &str) -> String {
    if rng.u8(..4) == 0 { format!("{id}-again") } else { id.to_owned() }
}

/// A region that AWS does not have.
pub const NOWHERE: &str = "xx-nowhere-1";

fn spec(id: &str, region: &str) -> Value {
    json!({"imageId": id, "region": region})
}

/// A status that says what AWS does not, or that has parts of what the operator says.
fn foreign(rng: &mut Rng) -> Value {
    let ami = json!({"amiId": "ami-foreign", "state": "AVAILABLE", "tags": []});
    match rng.usize(..10) {
        0 | 1 => json!({"imageBuildStatus": "BUILD_COMPLETE", "ec2AmiInfo": ami}),
        2 => json!({"version": "0.0.0"}),
        3 => condition("Reconciling", "Theirs"),
        4 | 5 => json!({"cloudformationStackStatusReason": "somebody was here"}),
        6 | 7 => condition("Ready", "ImageAvailable"),
        8 => condition("Theirs", "Theirs"),
        _ => condition("Stalled", "Theirs"),
    }
}

fn condition(type_: &str, reason: &str) -> Value {
    let since = "2020-01-01T00:00:00Z";
    json!({"conditions": [{"type": type_, "status": "True", "reason": reason, "message": "", "lastTransitionTime": since}]})
}
