//! The CustomImage resource: spec, status, columns and the CRD. The doc comments are what `kubectl explain` shows.
#![allow(clippy::duplicated_attributes, reason = "the columns repeat their types and priorities")]

pub mod build;
pub mod manifest;

use crate::describe_image::image_id::{IMAGE_ID_PATTERN, REGION_PATTERN};
use crate::describe_image::response::{ImageConfiguration, ImageFields};
use crate::describe_image::scope::IDENTITY_PATTERN;
use crate::kubernetes::custom_image::build::{Build, Failure};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, CustomResourceExt, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The annotation by which Flux's tools ask for a look now.
pub const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";

/// Which image is mirrored.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "parallelcluster.dev",
    version = "v1",
    kind = "CustomImage",
    plural = "customimages",
    singular = "customimage",
    shortname = "cimg",
    category = "aws",
    namespaced,
    doc = "A ParallelCluster custom image in AWS, mirrored read-only: spec says which image, status says all that ParallelCluster's describeImage answers. Deleting a CustomImage deletes nothing in AWS.",
    status = "CustomImageStatus",
    derive = "PartialEq",
    selectable = ".spec.imageId",
    selectable = ".status.region",
    selectable = ".status.imageBuildStatus",
    printcolumn(name = "Image-ID", type_ = "string", json_path = ".spec.imageId"),
    printcolumn(name = "Region", type_ = "string", json_path = ".status.region"),
    printcolumn(name = "Status", type_ = "string", json_path = ".status.imageBuildStatus"),
    printcolumn(name = "AMI", type_ = "string", json_path = ".status.ec2AmiInfo.amiId"),
    printcolumn(name = "Version", type_ = "string", json_path = ".status.version"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].reason"),
    printcolumn(name = "Architecture", type_ = "string", json_path = ".status.ec2AmiInfo.architecture", priority = 1),
    printcolumn(
        name = "Stack-Status",
        type_ = "string",
        json_path = ".status.cloudformationStackStatus",
        priority = 1
    ),
    printcolumn(
        name = "Imagebuilder-Status",
        type_ = "string",
        json_path = ".status.imagebuilderImageStatus",
        priority = 1
    ),
    printcolumn(
        name = "Build-Started",
        type_ = "date",
        json_path = ".status.cloudformationStackCreationTime",
        priority = 1
    ),
    printcolumn(name = "Image-Age", type_ = "date", json_path = ".status.creationTime", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(validation = Rule::new("has(self.region) == has(oldSelf.region)")
    .message("region can be neither added nor removed: another region is another image, so create another CustomImage"))]
#[x_kube(validation = Rule::new("has(self.identity) == has(oldSelf.identity)")
    .message("identity can be neither added nor removed: another identity may be another account, so create another CustomImage"))]
#[serde(rename_all = "camelCase")]
pub struct CustomImageSpec {
    /// Id of the ParallelCluster image: a letter, then letters, digits and hyphens; at most 128. Immutable.
    #[schemars(length(min = 1, max = 128), regex(pattern = IMAGE_ID_PATTERN))]
    #[x_kube(
        validation = Rule::new("self == oldSelf")
            .message("imageId is immutable: create another CustomImage for another image"),
        validation = Rule::new("self.matches('^[a-zA-Z][a-zA-Z0-9-]*$')")
            .message("imageId must start with a letter and hold only letters, digits and hyphens, such as hpc-base-2026-11")
    )]
    pub image_id: String,
    /// AWS region of the image, such as eu-west-1. Default: the operator's region. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), regex(pattern = REGION_PATTERN))]
    #[x_kube(
        validation = Rule::new("self == oldSelf")
            .message("region is immutable: another region is another image, so create another CustomImage"),
        validation = Rule::new("self.matches('^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$')")
            .message("region must be the name of an AWS region, such as eu-west-1 or us-gov-west-1")
    )]
    pub region: Option<String>,
    /// Whose credentials read AWS: the name of an identity in the operator's configuration, which says which namespaces and
    /// regions may use it. Default: default, the operator's own credentials. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63), regex(pattern = IDENTITY_PATTERN))]
    #[x_kube(
        validation = Rule::new("self == oldSelf")
            .message("identity is immutable: another identity may be another account, so create another CustomImage"),
        validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')")
            .message("identity must be a name in the operator's configuration: lower-case letters, digits and hyphens, such as research")
    )]
    pub identity: Option<String>,
    /// Stop reading AWS for this object; its status stays as it is. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

/// What AWS says of the image: the whole describeImage response, beside the conditions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomImageStatus {
    /// The generation of the spec that this status is of; -1 before the first look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready (the AMI can be used), Synced (the status is what AWS says), Reconciling and Stalled (only while True),
    /// Finalizing (only while a finished build waits for its AMI), PayloadComplete (only while False).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The AWS account that was asked, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The value of the annotation reconcile.fluxcd.io/requestedAt that was last acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Id of the image that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
    /// AWS region that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Where the image came from. It stays known when the payload's own fields are gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<Build>,
    /// Why the build failed. It stays until an AMI of the image is available, or another stack begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The configuration file that the image was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_configuration: Option<ImageConfiguration>,
    #[serde(flatten)]
    pub image: ImageFields,
}

impl CustomImage {
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.spec.suspend.unwrap_or(false)
    }
}

/// The CustomResourceDefinition: the derived one, with what the derive cannot say.
///
/// # Errors
/// When the derived definition does not have the shape that is changed here.
pub fn crd() -> Result<CustomResourceDefinition, serde_json::Error> {
    let mut crd = serde_json::to_value(CustomImage::crd())?;
    strip_nullable(&mut crd);
    let status = &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"];
    // A new object must never look finished to a client that has not seen the operator's first write.
    status["default"] = json!({"observedGeneration": -1});
    let conditions = &mut status["properties"]["conditions"];
    conditions["x-kubernetes-list-type"] = json!("map");
    conditions["x-kubernetes-list-map-keys"] = json!(["type"]);
    bound_condition(&mut conditions["items"]["properties"]);
    serde_json::from_value(crd)
}

/// An absent field and a null one would be two things; the server then refuses the null.
fn strip_nullable(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("nullable");
            fields.values_mut().for_each(strip_nullable);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_nullable),
        _ => {}
    }
}

/// The bounds that metav1.Condition has in Kubernetes' own types.
fn bound_condition(properties: &mut Value) {
    let reason = "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$";
    properties["type"]["maxLength"] = json!(316);
    properties["status"]["enum"] = json!(["True", "False", "Unknown"]);
    properties["reason"]["minLength"] = json!(1);
    properties["reason"]["maxLength"] = json!(1024);
    properties["reason"]["pattern"] = json!(reason);
    properties["message"]["maxLength"] = json!(32768);
    properties["observedGeneration"]["minimum"] = json!(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Value {
        serde_json::to_value(crd().unwrap()).unwrap()["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
    }

    #[test]
    fn a_new_object_is_never_current() {
        assert_eq!(schema()["properties"]["status"]["default"], json!({"observedGeneration": -1}));
    }

    #[test]
    fn nothing_is_nullable() {
        assert!(!schema().to_string().contains("nullable"));
    }

    #[test]
    fn every_field_of_the_response_is_a_field_of_the_status_and_is_explained() {
        let status = &schema()["properties"]["status"]["properties"];
        for field in [
            "imageId",
            "region",
            "version",
            "imageBuildStatus",
            "imageBuildLogsArn",
            "cloudformationStackStatus",
            "cloudformationStackStatusReason",
            "cloudformationStackArn",
            "creationTime",
            "cloudformationStackCreationTime",
            "cloudformationStackTags",
            "imageConfiguration",
            "imagebuilderImageStatus",
            "imagebuilderImageStatusReason",
            "ec2AmiInfo",
        ] {
            assert!(status[field]["description"].is_string(), "{field}: {}", status[field]);
        }
    }

    #[test]
    fn a_status_with_fields_of_tomorrow_reads_back() {
        let stored = json!({"observedGeneration": 2, "imageId": "a", "somethingNew": 1, "conditions": []});
        let status: CustomImageStatus = serde_json::from_value(stored).unwrap();
        assert_eq!(status.image_id.as_deref(), Some("a"));
    }
}
