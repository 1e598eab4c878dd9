//! A script of requests, made of a seed. What it remembers of earlier answers goes into later requests.

use super::mask::Mask;
use super::sides::{Asked, Side};
use fastrand::Rng;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const JSON: &str = "application/json";
const APPLY: &str = "application/apply-patch+yaml";
const MERGE: &str = "application/merge-patch+json";
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const IMAGES: &str = "/apis/parallelcluster.dev/v1";
const LEASES: &str = "/apis/coordination.k8s.io/v1";

/// A script that runs.
struct Script<'a> {
    side: &'a Side,
    random: Rng,
    mask: Mask,
    namespaces: [String; 2],
    /// All states of each object that were seen, by its path.
    seen: BTreeMap<String, Vec<Value>>,
    /// Versions of customimages, in the order in which they appeared.
    versions: Vec<String>,
    answers: Vec<String>,
}

/// Runs `steps` requests. Returns each with its masked answer.
pub async fn run(side: &Side, seed: u64, steps: usize) -> Vec<String> {
    let namespaces = [format!("s{seed}"), format!("s{seed}-b")];
    let (random, mask) = (Rng::with_seed(seed), Mask::default());
    let mut script =
        Script { side, random, mask, namespaces, seen: BTreeMap::new(), versions: Vec::new(), answers: Vec::new() };
    for namespace in script.namespaces.clone() {
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        script.ask("POST", "/api/v1/namespaces".to_owned(), JSON, JSON, Some(body)).await;
    }
    for _ in 0..steps {
        script.step().await;
    }
    script.answers
}

impl Script<'_> {
    async fn step(&mut self) {
        match self.random.u8(0..100) {
            0..12 => self.create().await,
            12..18 => self.delete().await,
            18..46 => self.apply().await,
            46..56 => self.replace_status().await,
            56..64 => self.change_spec().await,
            64..70 => self.get().await,
            70..78 => self.list().await,
            78..86 => self.watch().await,
            86..97 => self.lease().await,
            _ => self.event().await,
        }
    }

    async fn create(&mut self) {
        let (path, name) = self.collection();
        let mut body = image(&name, json!({"spec": {"imageId": self.one_of(&["x", "y"])}, "status": {"region": "r"}}));
        if self.random.bool() {
            body["metadata"]["labels"] = json!({"team": self.one_of(&["hpc", "web"])});
        }
        let manager = self.one_of(&["kubectl", "flux"]);
        self.ask("POST", format!("{path}?fieldManager={manager}"), JSON, JSON, Some(body)).await;
    }

    async fn delete(&mut self) {
        let (path, name) = self.collection();
        self.ask("DELETE", format!("{path}/{name}"), JSON, JSON, None).await;
    }

    async fn apply(&mut self) {
        let (path, name) = self.collection();
        let path = format!("{path}/{name}");
        let status = self.status();
        let mut body = image(&name, json!({"status": status}));
        if let Some(version) = self.version(&path) {
            body["metadata"]["resourceVersion"] = json!(version);
        }
        let (manager, force) =
            (self.one_of(&["operator", "operator", "other"]), self.one_of(&["true", "true", "false"]));
        let path = format!("{path}/status?fieldManager={manager}&force={force}");
        self.ask("PATCH", path, APPLY, JSON, Some(body)).await;
    }

    async fn replace_status(&mut self) {
        let (path, name) = self.collection();
        let path = format!("{path}/{name}");
        let Some(mut body) = self.known(&path) else { return };
        if self.random.u8(0..4) > 0 {
            body["status"] = self.status();
        }
        if self.random.u8(0..4) == 0 {
            body["spec"]["suspend"] = json!(true);
            body["metadata"]["labels"] = json!({"team": "none"});
        }
        self.without_some(&mut body);
        let manager = self.one_of(&["operator", "intruder"]);
        self.ask("PUT", format!("{path}/status?fieldManager={manager}"), JSON, JSON, Some(body)).await;
    }

    async fn change_spec(&mut self) {
        let (path, name) = self.collection();
        let path = format!("{path}/{name}");
        if self.random.bool() {
            let value = self.one_of(&["1", "2"]);
            let patch = match self.random.u8(0..4) {
                0 => json!({"metadata": {"annotations": {"at": null}}}),
                1 => json!({"spec": {"suspend": self.random.bool()}}),
                2 => json!({"status": {"region": "ignored"}}),
                _ => json!({"metadata": {"annotations": {"at": value}, "labels": {"n": value}}}),
            };
            self.ask("PATCH", format!("{path}?fieldManager=kubectl"), MERGE, JSON, Some(patch)).await;
            return;
        }
        let Some(mut body) = self.known(&path) else { return };
        body["spec"]["suspend"] = json!(self.random.bool());
        body["status"] = json!({"region": "ignored"});
        self.without_some(&mut body);
        self.ask("PUT", format!("{path}?fieldManager=kubectl"), JSON, JSON, Some(body)).await;
    }

    async fn get(&mut self) {
        let (path, name) = self.collection();
        let accept = self.one_of(&[JSON, METADATA]);
        self.ask("GET", format!("{path}/{name}"), JSON, accept, None).await;
    }

    async fn list(&mut self) {
        let (path, _) = self.collection();
        let accept = self.one_of(&[JSON, METADATA_LIST]);
        let selector = self.one_of(&["", "", "&labelSelector=team%3Dhpc", "&fieldSelector=metadata.name%3Done"]);
        let limit = self.random.u8(0..4);
        let mut token = String::new();
        loop {
            let page = format!("{path}?limit={limit}{selector}&continue={token}");
            let answer = self.ask("GET", page, JSON, accept, None).await;
            token = answer["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
            if token.is_empty() {
                return;
            }
            if self.random.bool() {
                self.create().await;
            }
        }
    }

    async fn watch(&mut self) {
        let (path, _) = self.collection();
        let accept = self.one_of(&[JSON, METADATA]);
        let query = match self.random.u8(0..3) {
            0 => "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=0&allowWatchBookmarks=true"
                .to_owned(),
            1 => "resourceVersion=1".to_owned(),
            _ => match self.versions.len() {
                0 => return,
                known => {
                    format!("resourceVersion={}", self.versions[self.random.usize(known.saturating_sub(12)..known)])
                }
            },
        };
        let path = format!("{path}?watch=true&timeoutSeconds=100&{query}");
        let asked = Asked { method: "GET", path, content_type: JSON, accept, body: None };
        let (code, events) = self.side.watch(&asked).await;
        self.note(&asked, code, &events);
    }

    async fn lease(&mut self) {
        let (namespace, name) = (self.namespace(), self.one_of(&["l", "m"]));
        let path = format!("{LEASES}/namespaces/{namespace}/leases");
        let holder = self.one_of(&["one", "two", ""]);
        let mut body = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": name, "labels": {"by": "script"}},
            "spec": {"leaseDurationSeconds": 15, "renewTime": "2026-11-24T10:00:00.123456Z", "leaseTransitions": 0}
        });
        if !holder.is_empty() {
            body["spec"]["holderIdentity"] = json!(holder);
        }
        match self.random.u8(0..5) {
            0 => drop(self.ask("POST", path, JSON, JSON, Some(body)).await),
            1 => drop(self.ask("GET", format!("{path}/{name}"), JSON, JSON, None).await),
            2 => drop(self.ask("GET", format!("{path}?labelSelector=by%3Dscript"), JSON, JSON, None).await),
            _ => {
                let path = format!("{path}/{name}");
                let Some(version) = self.version(&path) else { return };
                body["metadata"]["resourceVersion"] = json!(version);
                self.ask("PUT", path, JSON, JSON, Some(body)).await;
            }
        }
    }

    async fn event(&mut self) {
        let path = format!("/apis/events.k8s.io/v1/namespaces/{}/events", self.namespace());
        let patch = json!({"series": {"count": 2, "lastObservedTime": "2026-11-24T10:00:00.000000Z"}});
        self.ask("PATCH", format!("{path}/none"), MERGE, JSON, Some(patch)).await;
    }

    async fn ask(
        &mut self,
        method: &'static str,
        path: String,
        content_type: &'static str,
        accept: &'static str,
        body: Option<Value>,
    ) -> Value {
        let asked = Asked { method, path, content_type, accept, body };
        let (code, answer) = self.side.ask(&asked).await;
        let path = asked.path.split(['?']).next().unwrap_or_default().trim_end_matches("/status").to_owned();
        let is_object = answer["metadata"]["name"].is_string() && answer["kind"] != "PartialObjectMetadata";
        if (200..300).contains(&code) && is_object && !path.starts_with("/api/v1/") {
            let name = answer["metadata"]["name"].as_str().unwrap_or_default();
            let path = if method == "POST" { format!("{path}/{name}") } else { path };
            if path.starts_with(IMAGES) {
                self.versions.push(answer["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned());
            }
            self.seen.entry(path).or_default().push(answer.clone());
        }
        self.note(&asked, code, &answer);
        answer
    }

    fn note(&mut self, asked: &Asked, code: u16, answer: &Value) {
        let body = asked.body.as_ref().map(|body| self.mask.masked(body)).unwrap_or_default();
        let mut answer = self.mask.masked(answer);
        if asked.path.starts_with(LEASES) || asked.path.starts_with("/api/v1/namespaces") {
            without_managers(&mut answer);
        }
        let path: String =
            asked.path.split('&').filter(|part| !part.starts_with("continue=")).collect::<Vec<_>>().join("&");
        let path = match path.split_once("&resourceVersion=").or_else(|| path.split_once("?resourceVersion=")) {
            Some((path, version)) if !version.starts_with('0') && version != "1" => format!("{path} from a version"),
            _ => path,
        };
        self.answers.push(format!("{} {path} {body}\n       {code} {answer}", asked.method));
    }

    /// The path of a collection, and the name of an object in it that may exist.
    fn collection(&mut self) -> (String, String) {
        let name = self.one_of(&["one", "two", "three", "four"]);
        (format!("{IMAGES}/namespaces/{}/customimages", self.namespace()), name.to_owned())
    }

    fn namespace(&mut self) -> String {
        // Seldom one that does not exist.
        match self.random.u8(0..20) {
            0 => "nowhere".to_owned(),
            1..8 => self.namespaces[1].clone(),
            _ => self.namespaces[0].clone(),
        }
    }

    /// A state of the object that was seen, most often the last.
    fn known(&mut self, path: &str) -> Option<Value> {
        let states = self.seen.get(path).cloned().unwrap_or_default();
        let back = if self.random.u8(0..4) == 0 { self.random.usize(0..3) } else { 0 };
        let mut state = states.iter().rev().nth(back).or(states.last())?.clone();
        state["metadata"].as_object_mut().unwrap().remove("managedFields");
        Some(state)
    }

    fn version(&mut self, path: &str) -> Option<String> {
        let is_asked = self.random.u8(0..4) > 0;
        let state = self.known(path)?;
        state["metadata"]["resourceVersion"].as_str().filter(|_| is_asked).map(str::to_owned)
    }

    /// Removes the version or the uid, seldom.
    fn without_some(&mut self, body: &mut Value) {
        let metadata = body["metadata"].as_object_mut().unwrap();
        match self.random.u8(0..12) {
            0 => drop(metadata.remove("resourceVersion")),
            1..6 => drop(metadata.remove("uid")),
            _ => {}
        }
    }

    fn one_of(&mut self, choices: &[&'static str]) -> &'static str {
        choices[self.random.usize(0..choices.len())]
    }

    fn status(&mut self) -> Value {
        let mut status = json!({});
        for field in ["region", "phase", "accountId", "version"] {
            if self.random.bool() {
                status[field] = json!(self.one_of(&["a", "b"]));
            }
        }
        if self.random.bool() {
            status["observedGeneration"] = json!(self.random.i64(0..2));
        }
        if self.random.bool() {
            status["ec2AmiInfo"] = match self.random.u8(0..5) {
                0 => json!({}),
                1 => json!({"amiId": "ami-1"}),
                2 => json!({"amiId": "ami-2", "tags": []}),
                3 => json!({"amiName": "n", "tags": [{"key": "k"}]}),
                _ => json!({"state": "S", "tags": [{"key": "k", "value": "v"}, {"key": "l", "value": ""}]}),
            };
        }
        if self.random.bool() {
            status["build"] = json!({"durationSeconds": self.random.i64(0..2), "amiId": null});
        }
        let mut kinds = vec!["Ready", "Synced", "Stalled", "Foreign"];
        self.random.shuffle(&mut kinds);
        kinds.truncate(self.random.usize(0..4));
        let conditions: Vec<Value> = kinds.into_iter().map(|kind| self.condition(kind)).collect();
        if !conditions.is_empty() || self.random.u8(0..4) == 0 {
            status["conditions"] = json!(conditions);
        }
        status
    }

    fn condition(&mut self, kind: &str) -> Value {
        let status = self.one_of(&["True", "False", "True", "False", "True", "Odd"]);
        json!({"type": kind, "status": status, "reason": "R", "message": "", "lastTransitionTime": "2026-11-24T10:00:00Z"})
    }
}

fn image(name: &str, mut fields: Value) -> Value {
    fields["apiVersion"] = json!("parallelcluster.dev/v1");
    fields["kind"] = json!("CustomImage");
    fields["metadata"] = json!({"name": name});
    fields
}

/// Only those of CustomImages are kept in memory.
fn without_managers(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("managedFields");
            fields.values_mut().for_each(without_managers);
        }
        Value::Array(items) => items.iter_mut().for_each(without_managers),
        _ => {}
    }
}
