//! What a request asks for, read from its path, its query and its headers.

use super::refusal::Refusal;
use super::resource::{Resource, meta};
use http::request::Parts;
use http::{Method, header};
use serde_json::Value;
use std::collections::BTreeMap;

/// A request for a resource.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) resource: Resource,
    /// Empty: all namespaces, or an object that has none.
    pub(super) namespace: String,
    /// Empty: the collection.
    pub(super) name: String,
    /// Empty: the object itself.
    pub(super) subresource: String,
    pub(super) query: BTreeMap<String, String>,
    /// Only the metadata are asked for.
    pub(super) only_metadata: bool,
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
}

/// What a path is about.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Resource(Call),
    /// The version of the server.
    Version,
    /// The resources of the CRD's group.
    Group,
    /// A review of access, which is always allowed.
    Review,
}

/// The parts of a query, each once.
pub(super) fn query_of(parts: &Parts) -> BTreeMap<String, String> {
    let query = parts.uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

impl Target {
    pub(super) fn read(parts: &Parts, body: Vec<u8>) -> Result<Self, Refusal> {
        let path: Vec<&str> = parts.uri.path().trim_matches('/').split('/').collect();
        let (resource, rest) = match path.as_slice() {
            ["version"] => return Ok(Self::Version),
            ["apis", "parallelcluster.dev", "v1"] => return Ok(Self::Group),
            ["apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews"] => return Ok(Self::Review),
            ["api", "v1", rest @ ..] => ("", rest),
            ["apis", group, "v1", rest @ ..] => (*group, rest),
            _ => return Err(Refusal::no_such_path()),
        };
        let (namespace, plural, rest) = match rest {
            ["namespaces", rest @ ..] if rest.len() < 2 => ("", "namespaces", rest),
            ["namespaces", namespace, plural, rest @ ..] => (*namespace, *plural, rest),
            [plural, rest @ ..] => ("", *plural, rest),
            [] => return Err(Refusal::no_such_path()),
        };
        let (name, subresource) = match rest {
            [] => ("", ""),
            [name] => (*name, ""),
            [name, subresource] => (*name, *subresource),
            _ => return Err(Refusal::no_such_path()),
        };
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        Ok(Self::Resource(Call {
            method: parts.method.clone(),
            resource: Resource::find(resource, plural).ok_or_else(Refusal::no_such_path)?,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            subresource: subresource.to_owned(),
            query: query_of(parts),
            only_metadata: text(header::ACCEPT).contains("as=PartialObjectMetadata"),
            content_type: text(header::CONTENT_TYPE),
            body,
        }))
    }
}

impl Call {
    pub(super) fn parameter(&self, name: &str) -> &str {
        self.query.get(name).map(String::as_str).unwrap_or_default()
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        matches!(self.parameter(name), "true" | "1")
    }

    pub(super) fn is_watch(&self) -> bool {
        self.method == Method::GET && self.is_set("watch")
    }

    pub(super) fn key(&self) -> String {
        self.resource.key(&self.namespace, &self.name)
    }

    /// A number of the query. `None` if it is missing or empty.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        match self.parameter(name) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                Refusal::bad_request(format!(
                    "Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
                ))
            }),
        }
    }

    /// The manager of the fields that are written.
    pub(super) fn manager(&self) -> &str {
        match self.parameter("fieldManager") {
            "" => "unknown",
            manager => manager,
        }
    }

    /// The body as JSON. An apply is YAML for a real server, and JSON is a part of that.
    pub(super) fn json(&self) -> Result<Value, Refusal> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Refusal::bad_request(format!("error decoding the body: {error}")))
    }

    /// Whether an object is one of those that are listed or watched.
    pub(super) fn selects(&self, object: &Value) -> bool {
        let is_there = self.namespace.is_empty() || meta(object, "namespace") == self.namespace;
        is_there
            && (self.name.is_empty() || meta(object, "name") == self.name)
            && self.selects_labels(object)
            && self.selects_fields(object)
    }

    fn selects_labels(&self, object: &Value) -> bool {
        terms(self.parameter("labelSelector")).all(|(label, is_equal, value)| {
            let found = object["metadata"]["labels"][label].as_str();
            match (is_equal, value) {
                (true, Some(value)) => found == Some(value),
                (false, Some(value)) => found != Some(value),
                (_, None) => found.is_some(),
            }
        })
    }

    fn selects_fields(&self, object: &Value) -> bool {
        terms(self.parameter("fieldSelector")).all(|(path, is_equal, value)| {
            let found = path.split('.').fold(object, |object, field| &object[field]).as_str().unwrap_or_default();
            (found == value.unwrap_or_default()) == is_equal
        })
    }

    /// Whether the list is of everything in its namespace.
    pub(super) fn selects_all(&self) -> bool {
        self.parameter("labelSelector").is_empty() && self.parameter("fieldSelector").is_empty()
    }
}

/// The terms of a selector: a name, whether the value must be equal, and the value if there is one.
fn terms(selector: &str) -> impl Iterator<Item = (&str, bool, Option<&str>)> {
    selector.split(',').filter(|term| !term.is_empty()).map(|term| match term.split_once("!=") {
        Some((name, value)) => (name, false, Some(value)),
        None => match term.split_once('=') {
            Some((name, value)) => (name, true, Some(value.trim_start_matches('='))),
            None => (term, true, None),
        },
    })
}
