//! What users and the simulation do: directly, at once, and without a link.

use super::ApiServer;
use super::log::Write;
use super::refusal::Refusal;
use super::request::Call;
use super::resource::Resource;
use super::store::{Snapshot, Store};
use super::write::Writing;
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The manager of what users write without naming one.
const USER: &str = "kubectl";

type Written = Result<Value, Refusal>;

impl ApiServer {
    /// Creates a CustomImage with this spec.
    ///
    /// # Errors
    /// When the namespace does not exist, the object exists, or the CRD does not allow it.
    pub fn create_image(&self, namespace: &str, name: &str, spec: Value) -> Written {
        let object = json!({"metadata": {"name": name}, "spec": spec});
        self.write(USER, &image(namespace, ""), |mut writing| writing.create(object))
    }

    /// Deletes a CustomImage. False if there was none.
    pub fn delete_image(&self, namespace: &str, name: &str) -> bool {
        self.delete(Resource::CustomImage, namespace, name)
    }

    /// Replaces the spec of a CustomImage.
    ///
    /// # Errors
    /// When there is none, or the CRD does not allow the spec.
    pub fn replace_spec(&self, namespace: &str, name: &str, spec: Value) -> Written {
        self.write(USER, &image(namespace, name), |mut writing| writing.set(&["spec"], spec))
    }

    /// Sets an annotation of a CustomImage. `None` removes it.
    ///
    /// # Errors
    /// When there is no such object.
    pub fn annotate(&self, namespace: &str, name: &str, annotation: &str, value: Option<&str>) -> Written {
        let patch = json!({"metadata": {"annotations": {annotation: value}}});
        self.write(USER, &image(namespace, name), |mut writing| writing.merge(&patch))
    }

    /// Sets a label of a CustomImage. `None` removes it.
    ///
    /// # Errors
    /// When there is no such object.
    pub fn label(&self, namespace: &str, name: &str, label: &str, value: Option<&str>) -> Written {
        let patch = json!({"metadata": {"labels": {label: value}}});
        self.write(USER, &image(namespace, name), |mut writing| writing.merge(&patch))
    }

    /// Replaces the status of a CustomImage, as `manager`.
    ///
    /// # Errors
    /// When there is no such object, or the CRD does not allow the status.
    pub fn replace_status(&self, manager: &str, namespace: &str, name: &str, status: Value) -> Written {
        self.write(manager, &status_of(manager, namespace, name), |mut writing| writing.set(&["status"], status))
    }

    /// Merges a patch into the status of a CustomImage, as `manager`: null removes a field.
    ///
    /// # Errors
    /// When there is no such object, or the CRD does not allow the status.
    pub fn patch_status(&self, manager: &str, namespace: &str, name: &str, patch: &Value) -> Written {
        let patch = json!({"status": patch});
        self.write(manager, &status_of(manager, namespace, name), |mut writing| writing.merge(&patch))
    }

    /// Applies a status, as `manager` and by force.
    ///
    /// # Errors
    /// When there is no such object, or the CRD does not allow the status.
    pub fn apply_status(&self, manager: &str, namespace: &str, name: &str, status: Value) -> Written {
        let mut call = status_of(manager, namespace, name);
        call.query.insert("force".to_owned(), "true".to_owned());
        let applied = json!({"metadata": {"name": name}, "status": status});
        self.write(manager, &call, |mut writing| writing.apply(applied))
    }

    /// Creates a namespace with these labels, unless it exists.
    pub fn create_namespace(&self, name: &str, labels: &[(&str, &str)]) {
        let object = json!({"metadata": {"name": name, "labels": named(name, labels)}});
        let call = call(Resource::Namespace, "", "");
        let _ = self.write(USER, &call, |mut writing| writing.create(object));
    }

    /// Replaces the labels of a namespace.
    ///
    /// # Errors
    /// When there is none.
    pub fn relabel_namespace(&self, name: &str, labels: &[(&str, &str)]) -> Written {
        let labels = named(name, labels);
        self.write(USER, &call(Resource::Namespace, "", name), |mut writing| {
            writing.set(&["metadata", "labels"], labels)
        })
    }

    /// Deletes a namespace with all that is in it. False if there was none.
    pub fn delete_namespace(&self, name: &str) -> bool {
        let mut store = self.store.lock();
        for resource in [Resource::CustomImage, Resource::Lease, Resource::Event] {
            for (key, _) in Store::within(&store.all(resource), name, "") {
                store.remove(resource, &key);
            }
        }
        store.remove(Resource::Namespace, name).is_some()
    }

    /// Deletes any object. False if there was none.
    pub fn delete(&self, resource: Resource, namespace: &str, name: &str) -> bool {
        self.store.lock().remove(resource, &resource.key(namespace, name)).is_some()
    }

    /// One object.
    #[must_use]
    pub fn object(&self, resource: Resource, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.store.lock().get(resource, &resource.key(namespace, name))
    }

    /// One CustomImage.
    #[must_use]
    pub fn image(&self, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.object(Resource::CustomImage, namespace, name)
    }

    /// All objects of a resource, by namespace and name.
    #[must_use]
    pub fn objects(&self, resource: Resource) -> Vec<Arc<Value>> {
        self.store.lock().all(resource).into_values().collect()
    }

    /// The version of the last change of any object.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.store.lock().version
    }

    /// The content of the store.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.store.lock().snapshot()
    }

    /// Sets the store back, as when etcd is restored from a backup. The counter of versions goes back, too. Open watches do
    /// not fail. They are silent until the counter has passed the version that they know.
    pub fn restore(&self, snapshot: &Snapshot) {
        self.store.lock().restore(snapshot);
    }

    /// Forgets all changes until now. The next watch from an older version is told that it is too old.
    pub fn forget_history(&self) {
        self.store.lock().forget_history();
    }

    /// Removes the CRD. All CustomImages are deleted with it, their watches end, and their paths are not found.
    pub fn remove_crd(&self) {
        let mut store = self.store.lock();
        for key in store.all(Resource::CustomImage).into_keys() {
            store.remove(Resource::CustomImage, &key);
        }
        store.serves_images = false;
        store.watchers.end(Resource::CustomImage);
    }

    /// Stops serving CustomImages, as a server does that has just started. The objects stay.
    pub fn hide_crd(&self) {
        let mut store = self.store.lock();
        store.serves_images = false;
        store.watchers.end(Resource::CustomImage);
    }

    /// Serves CustomImages again.
    pub fn restore_crd(&self) {
        self.store.lock().serves_images = true;
    }

    /// How many watches are open.
    #[must_use]
    pub fn open_watches(&self) -> usize {
        self.store.lock().watchers.count()
    }

    /// Ends all watches, without an error, as a server does that shuts down.
    pub fn end_watches(&self) {
        let mut store = self.store.lock();
        store.watchers.end(Resource::CustomImage);
        store.watchers.end(Resource::Namespace);
    }

    fn write(
        &self,
        client: &str,
        call: &Call,
        write: impl FnOnce(Writing<'_>) -> Result<Arc<Value>, Refusal>,
    ) -> Written {
        let mut written: Vec<Write> = Vec::new();
        let result = write(Writing::new(&mut self.store.lock(), client, call, &mut written));
        self.note(written);
        result.map(|object| (*object).clone())
    }
}

/// The labels of a namespace: those that are given, and the one that each has.
fn named(name: &str, labels: &[(&str, &str)]) -> Value {
    let mut all: BTreeMap<&str, &str> = labels.iter().copied().collect();
    all.insert("kubernetes.io/metadata.name", name);
    json!(all)
}

fn image(namespace: &str, name: &str) -> Call {
    call(Resource::CustomImage, namespace, name)
}

fn status_of(manager: &str, namespace: &str, name: &str) -> Call {
    let mut call = image(namespace, name);
    call.subresource = "status".to_owned();
    call.query.insert("fieldManager".to_owned(), manager.to_owned());
    call
}

fn call(resource: Resource, namespace: &str, name: &str) -> Call {
    Call {
        method: Method::POST,
        resource,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        subresource: String::new(),
        query: BTreeMap::from([("fieldManager".to_owned(), USER.to_owned())]),
        only_metadata: false,
        content_type: String::new(),
        body: Vec::new(),
    }
}
