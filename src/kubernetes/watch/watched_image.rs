//! The form in which the store keeps a CustomImage: only the metadata that is read, and the status packed. The store
//! may keep ten thousand objects, and they are rarely read.

use crate::kubernetes::custom_image::{CustomImage, CustomImageSpec, CustomImageStatus, REQUESTED_AT};
use crate::kubernetes::ownership;
use crate::kubernetes::status::conditions;
use crate::kubernetes::status::ready_reason::ReadyReason;
use crate::packed::Packed;
use crate::reflector::Subscriber;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::DynamicResourceScope;
use kube::runtime::reflector::ObjectRef;
use kube::{Resource, ResourceExt};
use serde::Deserialize;
use std::borrow::Cow;

/// The most bytes of a text of the spec or an annotation that are kept. Valid ones are shorter: a request has at most 253
/// characters of up to four bytes.
const MOST_KEPT: usize = 1024;

/// A CustomImage as the watch last delivered it.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "CustomImage")]
pub struct WatchedImage {
    metadata: ObjectMeta,
    pub spec: CustomImageSpec,
    pub status: Option<Packed<CustomImageStatus>>,
    /// The reason of its condition Ready. `None` without that condition, or when the reason is unknown.
    pub reason: Option<ReadyReason>,
    /// Whether its condition Stalled is True: nothing more is expected to happen.
    pub is_stalled: bool,
    /// The account in its status.
    pub account_id: Option<String>,
    /// What the operator has written of its status. `None` if it is the whole one.
    pub own_part: Option<Packed<CustomImageStatus>>,
    /// Whether the operator has replaced its status before.
    pub is_replaced: bool,
}

/// An object's namespace and name.
pub type Reference = ObjectRef<WatchedImage>;

/// An object's uid and its resourceVersion.
pub type Version = (Option<String>, Option<String>);

#[must_use]
pub fn version(object: &impl Resource) -> Version {
    (object.uid(), object.resource_version())
}

impl WatchedImage {
    /// The whole object. A status that cannot be unpacked counts as missing; the next write replaces it as a whole.
    #[must_use]
    pub fn object(&self) -> CustomImage {
        let status = self.status.as_ref().and_then(|status| status.unpack().ok());
        CustomImage { status, ..self.without_status() }
    }

    /// The object without its status: enough for what it wants.
    #[must_use]
    pub fn without_status(&self) -> CustomImage {
        CustomImage { metadata: self.metadata.clone(), spec: self.spec.clone(), status: None }
    }

    /// What the operator has written of its status, perhaps in an earlier process. Empty without Ready and Synced, because each
    /// status of the operator has both.
    #[must_use]
    pub fn own_status(&self) -> CustomImageStatus {
        let own = self.own_part.as_ref().or(self.status.as_ref());
        let own = own.and_then(|own| own.unpack().ok()).unwrap_or_default();
        let has = |type_| conditions::find(&own.conditions, type_).is_some();
        let is_ours = has(conditions::READY) && has(conditions::SYNCED);
        if is_ours { own } else { CustomImageStatus::default() }
    }

    /// Its namespace and name only. kube's own reference also contains the resourceVersion and the uid.
    #[must_use]
    pub fn reference(&self) -> Reference {
        let reference = ObjectRef::new(self.metadata.name.as_deref().unwrap_or_default());
        match &self.metadata.namespace {
            Some(namespace) => reference.within(namespace),
            None => reference,
        }
    }
}

/// The namespace is the subscriber's tenant.
impl From<&Reference> for Subscriber {
    fn from(reference: &Reference) -> Self {
        Self { tenant: reference.namespace.clone().unwrap_or_default(), key: reference.name.clone() }
    }
}

impl From<Subscriber> for Reference {
    fn from(Subscriber { tenant, key }: Subscriber) -> Self {
        Self::new(&key).within(&tenant)
    }
}

impl From<CustomImage> for WatchedImage {
    fn from(object: CustomImage) -> Self {
        let CustomImage { metadata, mut spec, status } = object;
        let mut annotations = metadata.annotations.unwrap_or_default();
        annotations.retain(|name, _| name == REQUESTED_AT);
        // An object may hold a megabyte. What is cut is too long to be valid, cut or not.
        let CustomImageSpec { image_id, region, identity, suspend: _ } = &mut spec;
        let texts = std::iter::once(image_id).chain(region).chain(identity).chain(annotations.values_mut());
        texts.for_each(|text| {
            text.truncate(text.floor_char_boundary(MOST_KEPT));
            text.shrink_to_fit();
        });
        let kept = ObjectMeta {
            annotations: Some(annotations).filter(|annotations| !annotations.is_empty()),
            creation_timestamp: metadata.creation_timestamp,
            generation: metadata.generation,
            name: metadata.name,
            namespace: metadata.namespace,
            resource_version: metadata.resource_version,
            uid: metadata.uid,
            ..ObjectMeta::default()
        };
        let reason = status.as_ref().and_then(|status| ReadyReason::of(&status.conditions));
        let stalled = status.as_ref().and_then(|status| conditions::find(&status.conditions, conditions::STALLED));
        let is_stalled = stalled.is_some_and(|stalled| stalled.status == "True");
        let account_id = status.as_ref().and_then(|status| status.account_id.clone());
        let managed = metadata.managed_fields.unwrap_or_default();
        let is_replaced = ownership::is_replaced(&managed);
        let own_part =
            status.as_ref().and_then(|status| ownership::own_part(status, &managed)).as_ref().map(Packed::new);
        let status = status.as_ref().map(Packed::new);
        Self { metadata: kept, spec, status, reason, is_stalled, account_id, own_part, is_replaced }
    }
}

/// The resource is CustomImage.
impl Resource for WatchedImage {
    type DynamicType = ();
    type Scope = DynamicResourceScope;

    fn kind(dt: &()) -> Cow<'_, str> {
        CustomImage::kind(dt)
    }
    fn group(dt: &()) -> Cow<'_, str> {
        CustomImage::group(dt)
    }
    fn version(dt: &()) -> Cow<'_, str> {
        CustomImage::version(dt)
    }
    fn plural(dt: &()) -> Cow<'_, str> {
        CustomImage::plural(dt)
    }
    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_watch_keeps_what_a_reconcile_reads_and_nothing_else() {
        let metadata = json!({
            "name": "hpc", "namespace": "images", "uid": "u-1", "resourceVersion": "7", "generation": 3,
            "creationTimestamp": "2026-11-24T10:00:00Z", "annotations": {REQUESTED_AT: "now"}
        });
        let object = json!({
            "apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage", "metadata": metadata,
            "spec": {"imageId": "hpc", "region": "eu-west-1"},
            "status": {"accountId": "111122223333", "version": "3.14.0", "conditions": [{
                "type": "Ready", "status": "True", "reason": "ImageAvailable", "message": "m",
                "lastTransitionTime": "2026-11-24T10:00:01Z"
            }]}
        });
        let mut stored = object.clone();
        stored["metadata"]["labels"] = json!({"team": "hpc"});
        stored["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = json!("{}");
        let watched: WatchedImage = serde_json::from_value(stored).unwrap();
        assert_eq!(serde_json::to_value(watched.object()).unwrap(), object);
        assert_eq!(watched.reason, Some(ReadyReason::ImageAvailable));
        assert_eq!(watched.account_id.as_deref(), Some("111122223333"));
        assert_eq!(watched.reference().to_string(), ObjectRef::from_obj(&watched.object()).to_string());
    }
}
