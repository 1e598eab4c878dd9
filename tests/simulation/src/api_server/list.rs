//! Lists: whole, in pages, of an older version, and of metadata only.

use super::refusal::Refusal;
use super::request::Call;
use super::store::{Objects, Store};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::sync::Arc;

/// Where a list begins.
struct Page {
    version: u64,
    /// The key of the first object.
    start: String,
}

impl Store {
    /// Answers a list. `stale`: the changes that the server's cache has not seen yet.
    pub(super) fn list(&self, call: &Call, stale: u64) -> Result<Value, Refusal> {
        let page = self.page(call, stale)?;
        let objects = self.all_at(call.resource, page.version);
        let found = Self::within(&objects, &call.namespace, &page.start);
        let mut found = found.into_iter().peekable();
        let is_cached = call.parameter("resourceVersion") == "0" && call.parameter("continue").is_empty();
        // A list from the cache is whole.
        let limit = call.number("limit")?.filter(|limit| *limit > 0 && !is_cached);
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let mut items = Vec::new();
        while items.len() < limit
            && let Some((_, object)) = found.next()
        {
            items.extend(call.selects(&object).then(|| item(call, &object)));
        }
        let mut metadata = json!({"resourceVersion": page.version.to_string()});
        if call.resource.is_custom() && !call.only_metadata {
            metadata["continue"] = json!("");
        }
        // Like the real server, it does not look ahead whether the rest has an object that is selected. But
        // it reads an object that is selected by its name as one.
        let is_of_one = call.parameter("fieldSelector").contains("metadata.name=");
        if let Some((next, _)) = found.peek().filter(|_| !is_of_one) {
            metadata["continue"] = json!(token(page.version, next));
            if call.selects_all() {
                metadata["remainingItemCount"] = json!(found.count());
            }
        }
        let (kind, version) = match call.only_metadata {
            true => ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned()),
            false => (format!("{}List", call.resource.kind()), call.resource.api_version()),
        };
        let items = if call.only_metadata && items.is_empty() { Value::Null } else { Value::from(items) };
        Ok(json!({"kind": kind, "apiVersion": version, "metadata": metadata, "items": items}))
    }

    fn page(&self, call: &Call, stale: u64) -> Result<Page, Refusal> {
        let token = call.parameter("continue");
        if !token.is_empty() {
            let page = read_token(token).ok_or_else(|| Refusal::bad_request("continue key is not valid".to_owned()))?;
            return match page.version {
                version if version > self.version => Err(Refusal::future_version()),
                version if version < self.forgotten(call.resource) => Err(Refusal::page_expired()),
                _ => Ok(page),
            };
        }
        let is_exact = call.parameter("resourceVersionMatch") == "Exact";
        let version = match call.number("resourceVersion")? {
            None => self.version,
            Some(0) => self.version_before(call.resource, stale),
            Some(asked) if asked > self.version => return Err(Refusal::too_large(asked, self.version)),
            Some(asked) if is_exact && asked < self.forgotten(call.resource) => {
                return Err(Refusal::too_old(asked, self.forgotten(call.resource)));
            }
            Some(asked) if is_exact => asked,
            Some(_) => self.version,
        };
        Ok(Page { version, start: String::new() })
    }
}

/// The objects that a watch with a streaming list begins with, at `version`.
pub(super) fn initial(objects: &Objects, call: &Call) -> Vec<Arc<Value>> {
    let found = Store::within(objects, &call.namespace, "").into_iter().map(|(_, object)| object);
    found.filter(|object| call.selects(object)).collect()
}

fn item(call: &Call, object: &Value) -> Value {
    if call.only_metadata {
        return only_metadata(object);
    }
    let mut item = object.clone();
    // In a list, only custom resources name their kind.
    if let (false, Some(fields)) = (call.resource.is_custom(), item.as_object_mut()) {
        fields.remove("kind");
        fields.remove("apiVersion");
    }
    item
}

/// The object as the client asks for it.
pub(super) fn shown(call: &Call, object: &Value) -> Value {
    if call.only_metadata { only_metadata(object) } else { object.clone() }
}

fn only_metadata(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
}

fn token(version: u64, start: &str) -> String {
    URL_SAFE_NO_PAD.encode(json!({"v": "meta.k8s.io/v1", "rv": version, "start": start}).to_string())
}

fn read_token(token: &str) -> Option<Page> {
    let token: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    Some(Page { version: token["rv"].as_u64()?, start: token["start"].as_str()?.to_owned() })
}
