//! A script of requests, made of a seed. What it remembers of earlier answers goes into later requests.

mod statuses;
mod steps;

use super::mask::Mask;
use super::sides::{Asked, Side};
use fastrand::Rng;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What requests and replies consist of.
const JSON: &str = "application/json";

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
