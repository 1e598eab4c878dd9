//! What the server does with a request: it finds the verb, and answers.

use super::ApiServer;
use super::link::{Link, WatchFate};
use super::list::shown;
use super::log::Write;
use super::refusal::Refusal;
use super::request::{Call, Target};
use super::resource::Resource;
use super::store::Store;
use super::watch::Watch;
use super::write::Writing;
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;

/// An answer.
pub(super) enum Answer {
    Json(u16, Value),
    Watch(Box<Watch>),
    Refused(Refusal),
}

impl From<Result<(u16, Value), Refusal>> for Answer {
    fn from(result: Result<(u16, Value), Refusal>) -> Self {
        match result {
            Ok((code, value)) => Self::Json(code, value),
            Err(refusal) => Self::Refused(refusal),
        }
    }
}

impl ApiServer {
    /// Does what `target` asks for, at once.
    pub(super) fn answer(&self, client: &str, link: &Arc<dyn Link>, target: Target) -> Answer {
        let call = match target {
            Target::Version => return Answer::Json(200, version()),
            Target::Group => return self.store.lock().group().into(),
            Target::Review => return Answer::Json(201, review()),
            Target::Resource(call) => call,
        };
        if call.resource == Resource::CustomImage && !self.store.lock().serves_images {
            return Answer::Refused(Refusal::no_such_path());
        }
        if call.is_watch() {
            let fate = link.watch(client);
            return match Watch::open(self, client, link, call, fate) {
                Ok(watch) => Answer::Watch(Box::new(watch)),
                Err(refusal) => Answer::Refused(refusal),
            };
        }
        let is_cached = call.method == Method::GET && call.name.is_empty() && call.parameter("resourceVersion") == "0";
        let fate = if is_cached { link.watch(client) } else { WatchFate::default() };
        let mut written = Vec::new();
        let answer = self.store.lock().answer(client, &call, fate, &mut written);
        self.note(written);
        answer.into()
    }
}

impl Store {
    fn answer(
        &mut self,
        client: &str,
        call: &Call,
        fate: WatchFate,
        written: &mut Vec<Write>,
    ) -> Result<(u16, Value), Refusal> {
        let is_collection = call.name.is_empty();
        match call.method {
            Method::GET if is_collection => Ok((200, self.list(call, fate.stale_list.unwrap_or(0))?)),
            Method::GET => Ok((200, shown(call, &*self.found(call)?))),
            Method::DELETE if !is_collection => self.delete(call).map(|deleted| (200, deleted)),
            Method::POST if is_collection => {
                let object = call.json()?;
                let created = Writing::new(self, client, call, written).create(object)?;
                Ok((201, shown(call, &created)))
            }
            Method::PUT if !is_collection => {
                let object = call.json()?;
                let replaced = Writing::new(self, client, call, written).replace(object)?;
                Ok((200, shown(call, &replaced)))
            }
            Method::PATCH if !is_collection => {
                let patch = call.json()?;
                let mut writing = Writing::new(self, client, call, written);
                let patched = match call.content_type.as_str() {
                    "application/apply-patch+yaml" => writing.apply(patch)?,
                    "application/merge-patch+json" => writing.merge(&patch)?,
                    other => return Err(unsupported(other)),
                };
                Ok((200, shown(call, &patched)))
            }
            _ => Err(Refusal::method_not_allowed()),
        }
    }

    /// The object that `call` names.
    pub(super) fn found(&self, call: &Call) -> Result<Arc<Value>, Refusal> {
        let found = self.get(call.resource, &call.key());
        found.ok_or_else(|| Refusal::not_found(call.resource, &call.name))
    }

    fn delete(&mut self, call: &Call) -> Result<Value, Refusal> {
        let object = self.found(call)?;
        self.remove(call.resource, &call.key());
        let mut details = json!({
            "name": call.name, "kind": call.resource.plural(), "uid": object["metadata"]["uid"]
        });
        if !call.resource.group().is_empty() {
            details["group"] = json!(call.resource.group());
        }
        Ok(json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}))
    }

    fn group(&self) -> Result<(u16, Value), Refusal> {
        if !self.serves_images {
            return Err(Refusal::no_such_path());
        }
        let verbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
        let resource = |name: &str, verbs: &[&str]| json!({"name": name, "singularName": "", "namespaced": true, "kind": "CustomImage", "verbs": verbs});
        let resources =
            [resource("customimages", &verbs), resource("customimages/status", &["get", "patch", "update"])];
        let group = json!({
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "parallelcluster.dev/v1", "resources": resources
        });
        Ok((200, group))
    }
}

fn unsupported(content_type: &str) -> Refusal {
    let words = "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
    Refusal { code: 415, reason: "UnsupportedMediaType", ..Refusal::bad_request(format!("{words}: {content_type}")) }
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "gitVersion": "v1.36.3", "gitCommit": "", "gitTreeState": "",
        "buildDate": "", "goVersion": "", "compiler": "gc", "platform": "linux/amd64"
    })
}

fn review() -> Value {
    json!({
        "kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {},
        "spec": {}, "status": {"allowed": true}
    })
}
