//! Writes: create, replace, merge and apply, with their preconditions. A write that changes nothing makes no version.

mod body;

use super::log::{LeaseWrite, StatusWrite, Write};
use super::managers::{Managers, Operation};
use super::refusal::{FieldError, Refusal};
use super::request::Call;
use super::resource::{Resource, meta, version_of};
use super::schema;
use super::store::Store;
use serde_json::{Value, json};
use std::sync::Arc;

/// One write.
pub(super) struct Writing<'a> {
    store: &'a mut Store,
    client: &'a str,
    call: &'a Call,
    written: &'a mut Vec<Write>,
    /// The status in the body of an apply.
    applied: Option<Value>,
}

impl<'a> Writing<'a> {
    pub(super) fn new(store: &'a mut Store, client: &'a str, call: &'a Call, written: &'a mut Vec<Write>) -> Self {
        Self { store, client, call, written, applied: None }
    }

    /// Creates an object. A new custom resource has no status but the default one.
    pub(super) fn create(&mut self, mut object: Value) -> Result<Arc<Value>, Refusal> {
        let (resource, name) = (self.call.resource, meta(&object, "name").to_owned());
        body::check_namespace(self.call, &object)?;
        let namespace = self.call.namespace.clone();
        if resource.is_namespaced() && self.store.get(Resource::Namespace, &namespace).is_none() {
            return Err(Refusal::not_found(Resource::Namespace, &namespace));
        }
        if name.is_empty() {
            let error = FieldError {
                field: "metadata.name".to_owned(),
                reason: "FieldValueRequired",
                message: "Required value: name or generateName is required".to_owned(),
            };
            return Err(Refusal::invalid(resource, "", &[error]));
        }
        if resource.is_custom() {
            schema::prune(&mut object);
        }
        let mut created = resource.empty();
        body::take(&mut created, &object, self.call);
        created["metadata"]["name"] = json!(name);
        if resource.is_namespaced() {
            created["metadata"]["namespace"] = json!(namespace);
        }
        created["metadata"]["uid"] = json!(self.store.new_uid());
        created["metadata"]["creationTimestamp"] = json!(self.store.time());
        if resource == Resource::Namespace {
            created["metadata"]["labels"]["kubernetes.io/metadata.name"] = json!(name);
            created["spec"] = json!({"finalizers": ["kubernetes"]});
            created["status"] = json!({"phase": "Active"});
        }
        if resource.is_custom() {
            created["metadata"]["generation"] = json!(1);
            let mut managers = Managers::default();
            let manager = body::manager(self.call, Operation::Update);
            let view = body::view(&created, "");
            managers.update(&manager, &json!({}), &view, schema::shape(), &self.store.time());
            body::set_managers(&mut created, &managers);
            schema::shape().add_defaults(&mut created);
            schema::check(&created, "")?;
        }
        if self.store.get(resource, &resource.key(&namespace, &name)).is_some() {
            return Err(Refusal::already_exists(resource, &name));
        }
        if resource == Resource::Event {
            self.store.expire_events(&resource.key(&namespace, &name));
        }
        let stored = self.store.put(resource, created);
        if resource.is_custom() {
            self.store.bare.insert(meta(&stored, "uid").to_owned());
        }
        self.note(None, &stored);
        Ok(stored)
    }

    /// Replaces an object, or its status. The body must have the object's version.
    pub(super) fn replace(&mut self, object: Value) -> Result<Arc<Value>, Refusal> {
        body::check_name(self.call, &object)?;
        let live = match self.store.found(self.call) {
            Err(refusal) if self.call.resource != Resource::Lease => return Err(refusal),
            Err(_) => return self.create(object),
            Ok(live) => live,
        };
        if meta(&object, "resourceVersion").is_empty() {
            return Err(Refusal::no_version(self.call.resource, &self.call.name));
        }
        self.update(&live, object)
    }

    /// Merges a patch into the object, by the rules of RFC 7386.
    pub(super) fn merge(&mut self, patch: &Value) -> Result<Arc<Value>, Refusal> {
        let live = self.store.found(self.call)?;
        let mut object = (*live).clone();
        body::merge(&mut object, patch);
        self.update(&live, object)
    }

    /// Sets one value of the object, whatever its version is.
    pub(super) fn set(&mut self, path: &[&str], value: Value) -> Result<Arc<Value>, Refusal> {
        let live = self.store.found(self.call)?;
        let mut object = (*live).clone();
        *path.iter().fold(&mut object, |object, field| &mut object[*field]) = value;
        self.update(&live, object)
    }

    fn update(&mut self, live: &Arc<Value>, mut object: Value) -> Result<Arc<Value>, Refusal> {
        let mut next = (**live).clone();
        if !self.call.resource.is_custom() {
            body::take(&mut next, &object, self.call);
            self.check_preconditions(live, &object)?;
            return self.finish(live, next);
        }
        schema::prune(&mut object);
        schema::shape().add_defaults(&mut object);
        body::take(&mut next, &object, self.call);
        let subresource = self.call.subresource.as_str();
        let mut managers = Managers::of(live);
        let (before, after) = (body::view(live, subresource), body::view(&next, subresource));
        let manager = body::manager(self.call, Operation::Update);
        managers.update(&manager, &before, &after, schema::shape(), &self.store.time());
        body::set_managers(&mut next, &managers);
        self.check_preconditions(live, &object)?;
        self.finish(live, next)
    }

    /// Server-side apply.
    pub(super) fn apply(&mut self, mut applied: Value) -> Result<Arc<Value>, Refusal> {
        body::check_apply(self.call, &applied)?;
        let live = self.store.found(self.call)?;
        schema::prune_applied(&mut applied);
        self.applied = applied.get("status").cloned();
        let subresource = self.call.subresource.as_str();
        let (before, config) = (body::view(&live, subresource), body::view(&applied, subresource));
        let mut managers = Managers::of(&live);
        let manager = body::manager(self.call, Operation::Apply);
        let (force, now) = (self.call.is_set("force"), self.store.time());
        let view = managers.apply(&manager, (&before, &config), schema::shape(), force, &now)?;
        let mut next = (*live).clone();
        body::take(&mut next, &view, self.call);
        body::set_managers(&mut next, &managers);
        self.check_preconditions(&live, &applied)?;
        self.finish(&live, next)
    }

    /// Whether the body is meant for this object, and for this version of it.
    fn check_preconditions(&self, live: &Value, object: &Value) -> Result<(), Refusal> {
        let (resource, name) = (self.call.resource, self.call.name.as_str());
        let (uid, version) = (meta(object, "uid"), meta(object, "resourceVersion"));
        if !uid.is_empty() && uid != meta(live, "uid") {
            return Err(Refusal::other_uid(resource, (&self.call.namespace, name), uid, meta(live, "uid")));
        }
        if !version.is_empty() && version != meta(live, "resourceVersion") {
            return Err(Refusal::modified(resource, name));
        }
        Ok(())
    }

    fn finish(&mut self, live: &Arc<Value>, mut next: Value) -> Result<Arc<Value>, Refusal> {
        if self.call.resource.is_custom() {
            schema::shape().add_defaults(&mut next);
            schema::check(&next, &self.call.subresource)?;
            if next["spec"] != live["spec"] {
                next["metadata"]["generation"] = json!(live["metadata"]["generation"].as_i64().unwrap_or(0) + 1);
            }
        }
        let is_bare = self.store.bare.remove(meta(live, "uid"));
        let stored = match next == **live && !is_bare {
            true => live.clone(),
            false => self.store.put(self.call.resource, next),
        };
        self.note(Some(live), &stored);
        Ok(stored)
    }

    fn note(&mut self, before: Option<&Value>, after: &Value) {
        let (at, client) = (self.store.now(), self.client.to_owned());
        let (namespace, name) = (meta(after, "namespace").to_owned(), meta(after, "name").to_owned());
        let (version_before, version_after) = (before.map_or(0, version_of), version_of(after));
        match self.call.resource {
            Resource::CustomImage if self.call.subresource == "status" => {
                self.written.push(Write::Status(StatusWrite {
                    at,
                    client,
                    manager: self.call.manager().to_owned(),
                    namespace,
                    name,
                    uid: meta(after, "uid").to_owned(),
                    created: meta(after, "creationTimestamp").parse().unwrap_or_default(),
                    spec: after["spec"].clone(),
                    version_before,
                    version_after,
                    before: before.map(|before| before["status"].clone()).unwrap_or_default(),
                    said: self.applied.take().unwrap_or_else(|| after["status"].clone()),
                    after: after["status"].clone(),
                    has_changed: version_before != version_after,
                }))
            }
            Resource::Lease => {
                let holder = |lease: &Value| lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned();
                self.written.push(Write::Lease(LeaseWrite {
                    at,
                    client,
                    namespace,
                    name,
                    version_before,
                    version_after,
                    holder_before: before.map(holder).unwrap_or_default(),
                    holder_after: holder(after),
                }));
            }
            Resource::CustomImage | Resource::Namespace | Resource::Event => {}
        }
    }
}
