//! The one write: server-side apply of the whole status, so that no field of a former status stays behind. It
//! carries the resourceVersion it was computed from: a former leader or a re-created object cannot be overwritten.

use super::custom_image::{CustomImage, CustomImageStatus};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::json;
use std::time::Duration;

const FIELD_MANAGER: &str = "customimage-operator";

/// What the server did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    Applied,
    /// The object changed meanwhile: look again from the store.
    Conflict,
    Gone,
}

/// Why a status could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("the API server did not answer within {0:?}")]
    Timeout(Duration),
    #[error("the API server refused the status: {0}")]
    Refused(#[source] Box<kube::Error>),
}

/// Applies `status` to `object`.
pub async fn status(
    client: &Client,
    object: &CustomImage,
    status: &CustomImageStatus,
    timeout: Duration,
) -> Result<Written, WriteError> {
    let api: Api<CustomImage> = Api::namespaced(client.clone(), &object.namespace().unwrap_or_default());
    let body = json!({
        "apiVersion": CustomImage::api_version(&()),
        "kind": CustomImage::kind(&()),
        "metadata": {"name": object.name_any(), "resourceVersion": object.meta().resource_version},
        "status": status,
    });
    let name = object.name_any();
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    let patch = Patch::Apply(&body);
    match tokio::time::timeout(timeout, api.patch_status(&name, &parameters, &patch)).await {
        Err(_) => Err(WriteError::Timeout(timeout)),
        Ok(Ok(_)) => Ok(Written::Applied),
        Ok(Err(kube::Error::Api(answer))) if answer.code == 409 => Ok(Written::Conflict),
        Ok(Err(kube::Error::Api(answer))) if answer.code == 404 => Ok(Written::Gone),
        Ok(Err(error)) => Err(WriteError::Refused(Box::new(error))),
    }
}
