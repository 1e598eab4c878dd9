//! The errors of the API server, as Status objects in its own words.

use super::resource::Resource;
use serde_json::{Value, json};

/// A request that the server refuses.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub code: u16,
    pub reason: &'static str,
    pub message: String,
    /// Details of the Status, or null.
    pub details: Value,
    /// An error outside of any resource is plain text.
    pub is_plain: bool,
    /// The header that says when to try again, in seconds.
    pub retry_after: Option<u32>,
}

impl Refusal {
    fn new(code: u16, reason: &'static str, message: String, details: Value) -> Self {
        Self { code, reason, message, details, is_plain: false, retry_after: None }
    }

    /// The Status object.
    #[must_use]
    pub fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code
        });
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status
    }

    /// The path is not served: neither the resource nor the group exists.
    pub(super) fn no_such_path() -> Self {
        let message = "404 page not found\n".to_owned();
        Self { is_plain: true, ..Self::new(404, "NotFound", message, Value::Null) }
    }

    pub(super) fn not_found(resource: Resource, name: &str) -> Self {
        let message = format!("{} {name:?} not found", resource.qualified());
        Self::new(404, "NotFound", message, of(resource, name))
    }

    pub(super) fn already_exists(resource: Resource, name: &str) -> Self {
        let message = format!("{} {name:?} already exists", resource.qualified());
        Self::new(409, "AlreadyExists", message, of(resource, name))
    }

    /// The resourceVersion of a write is not that of the object.
    pub(super) fn modified(resource: Resource, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    /// The uid of a write is not that of the object.
    pub(super) fn other_uid(resource: Resource, (namespace, name): (&str, &str), asked: &str, found: &str) -> Self {
        let key = match resource.is_namespaced() {
            true => format!("/registry/{}/{namespace}/{name}", resource.registry()),
            false => format!("/registry/{}/{name}", resource.registry()),
        };
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {asked}, UID in object meta: {found}"
        );
        Self::conflict(resource, name, &why)
    }

    fn conflict(resource: Resource, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", resource.qualified());
        Self::new(409, "Conflict", message, of(resource, name))
    }

    /// Other managers own fields that an apply without force changes. Each is told with its words and the field.
    pub(super) fn owned_by_others(conflicts: &[(String, String)]) -> Self {
        let message = match conflicts {
            [(owner, field)] => format!("Apply failed with 1 conflict: conflict with {owner}: {field}"),
            _ => format!("Apply failed with {} conflicts: {}", conflicts.len(), grouped(conflicts)),
        };
        let cause = |(owner, field): &(String, String)| json!({"reason": "FieldManagerConflict", "message": format!("conflict with {owner}"), "field": field});
        let causes: Vec<Value> = conflicts.iter().map(cause).collect();
        Self::new(409, "Conflict", message, json!({"causes": causes}))
    }

    /// Fields that are not valid: each with what is wrong about it.
    pub(super) fn invalid(resource: Resource, name: &str, errors: &[FieldError]) -> Self {
        let words: Vec<String> = errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect();
        let all = match words.as_slice() {
            [one] => one.clone(),
            _ => format!("[{}]", words.join(", ")),
        };
        let message = format!("{} {name:?} is invalid: {all}", resource.kind_and_group());
        let mut details = of(resource, name);
        details["kind"] = json!(resource.kind());
        details["causes"] = errors
            .iter()
            .map(|error| json!({"reason": error.reason, "message": error.message, "field": error.field}))
            .collect();
        Self::new(422, "Invalid", message, details)
    }

    /// A parameter of an apply that is not valid.
    pub(super) fn invalid_options(error: &FieldError) -> Self {
        let message = format!("PatchOptions.meta.k8s.io \"\" is invalid: {}: {}", error.field, error.message);
        let cause = json!({"reason": error.reason, "message": error.message, "field": error.field});
        let details = json!({"group": "meta.k8s.io", "kind": "PatchOptions", "causes": [cause]});
        Self::new(422, "Invalid", message, details)
    }

    /// A replacement that does not say which version it replaces.
    pub(super) fn no_version(resource: Resource, name: &str) -> Self {
        let error = "Invalid value: 0: must be specified for an update";
        let message = format!("{} {name:?} is invalid: metadata.resourceVersion: {error}", resource.qualified());
        let cause = json!({"reason": "FieldValueInvalid", "message": error, "field": "metadata.resourceVersion"});
        let mut details = of(resource, name);
        details["causes"] = json!([cause]);
        Self::new(422, "Invalid", message, details)
    }

    pub(super) fn bad_request(message: String) -> Self {
        Self::new(400, "BadRequest", message, Value::Null)
    }

    pub(super) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource".to_owned();
        Self::new(405, "MethodNotAllowed", message, json!({}))
    }

    /// A watch from a version that is forgotten.
    pub(super) fn too_old(asked: u64, oldest: u64) -> Self {
        Self::new(410, "Expired", format!("too old resource version: {asked} ({oldest})"), Value::Null)
    }

    /// A page of a list whose version is forgotten.
    pub(super) fn page_expired() -> Self {
        let message = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";
        Self::new(410, "Expired", message.to_owned(), Value::Null)
    }

    /// A list or a watch from a version that does not exist yet.
    pub(super) fn too_large(asked: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        let cause = json!({"reason": "ResourceVersionTooLarge", "message": "Too large resource version"});
        Self::new(504, "Timeout", message, json!({"causes": [cause], "retryAfterSeconds": 1}))
    }

    /// A page of a version that etcd does not have, because it was set back.
    pub(super) fn future_version() -> Self {
        let message = "Internal error occurred: etcdserver: mvcc: required revision is a future revision".to_owned();
        Self::new(500, "InternalError", message, Value::Null)
    }

    /// A refusal that the simulation has ordered.
    pub(super) fn ordered(code: u16, retry_after: Option<u32>) -> Self {
        let (reason, message) = match code {
            400 => ("BadRequest", "the server rejected our request for an unknown reason"),
            401 => ("Unauthorized", "Unauthorized"),
            403 => ("Forbidden", "forbidden: User cannot do this"),
            409 => ("Conflict", "the server reported a conflict"),
            410 => ("Expired", "the resource version is too old"),
            422 => ("Invalid", "the server rejected our request due to an error in our request"),
            429 => ("TooManyRequests", "Too many requests, please try again later.\n"),
            500 => ("InternalError", "Internal error occurred: etcdserver: leader changed"),
            503 => ("ServiceUnavailable", "apiserver is shutting down"),
            504 => {
                ("Timeout", "Timeout: request did not complete within requested timeout - context deadline exceeded")
            }
            _ => ("Unknown", "unknown"),
        };
        // An overloaded server answers before any resource is known.
        Self { is_plain: code == 429, retry_after, ..Self::new(code, reason, message.to_owned(), Value::Null) }
    }
}

/// A field that is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldError {
    pub(super) field: String,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

fn of(resource: Resource, name: &str) -> Value {
    let mut details = json!({"name": name, "kind": resource.plural()});
    if !resource.group().is_empty() {
        details["group"] = json!(resource.group());
    }
    details
}

/// Conflicts as the server writes several of them: by owner, each field on a line.
fn grouped(conflicts: &[(String, String)]) -> String {
    let mut text = String::new();
    let mut last = None;
    for (owner, field) in conflicts {
        if last != Some(owner) {
            let gap = if text.is_empty() { "" } else { "\n" };
            text += &format!("{gap}conflicts with {owner}:");
            last = Some(owner);
        }
        text += &format!("\n- {field}");
    }
    text
}
