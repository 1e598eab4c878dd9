//! The CustomImage resource: spec, status, columns and the CRD. `kubectl explain` prints the doc comments of the
//! fields. `make generate` writes the CRD into `crds` and into the chart.
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

/// The annotation with which Flux's tools request a read now.
pub const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";

/// Which image to mirror.
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
    doc = "A ParallelCluster custom image in AWS, mirrored read-only. The spec names the image; the status contains the whole response of ParallelCluster's describeImage. Deleting a CustomImage deletes nothing in AWS.",
    status = "CustomImageStatus",
    derive = "PartialEq",
    selectable = ".spec.imageId",
    selectable = ".status.region",
    selectable = ".status.imageBuildStatus",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].reason"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "AMI", type_ = "string", json_path = ".status.ec2AmiInfo.amiId"),
    printcolumn(name = "Version", type_ = "string", json_path = ".status.version"),
    printcolumn(name = "Region", type_ = "string", json_path = ".status.region"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Image-ID", type_ = "string", json_path = ".spec.imageId", priority = 1),
    printcolumn(name = "Architecture", type_ = "string", json_path = ".status.ec2AmiInfo.architecture", priority = 1),
    printcolumn(name = "Started", type_ = "date", json_path = ".status.build.startedAt", priority = 1),
    printcolumn(name = "Duration", type_ = "integer", json_path = ".status.build.durationSeconds", priority = 1),
    printcolumn(name = "Suspended", type_ = "boolean", json_path = ".spec.suspend", priority = 1),
    printcolumn(
        name = "Synced",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Synced')].status",
        priority = 1
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].message",
        priority = 1
    )
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
    /// Name of the identity whose credentials read AWS. The operator's configuration defines it, with the namespaces
    /// and regions that may use it. Default: default, the operator's own credentials. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63), regex(pattern = IDENTITY_PATTERN))]
    #[x_kube(
        validation = Rule::new("self == oldSelf")
            .message("identity is immutable: another identity may be another account, so create another CustomImage"),
        validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')")
            .message("identity must be a name in the operator's configuration: lower-case letters, digits and hyphens, such as research")
    )]
    pub identity: Option<String>,
    /// Stop reading AWS for this object; the status keeps the last answer. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

/// The state of the image in AWS: the whole describeImage response, and the conditions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomImageStatus {
    /// The generation of the spec that this status describes; -1 until the operator writes the first status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready (the AMI can be used), Synced (the status is the last answer of AWS), Reconciling and Stalled (only while
    /// True), Finalizing (only while a finished build lacks its AMI), Absent (only while there is neither an AMI nor a
    /// stack), PayloadComplete (only while False).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The AWS account that the operator reads, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The last value of the annotation reconcile.fluxcd.io/requestedAt that the operator handled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Id of the image that this status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
    /// AWS region of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The build of the image: stack, image build and AMI. It stays when the other fields of the status are gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<Build>,
    /// Where the image is: its status in EC2 Image Builder, such as BUILDING, or the state of its AMI once there is one, such
    /// as AVAILABLE. Absent while there is neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Why the build failed. It stays until an AMI of the image is available or another stack is created.
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

/// The CustomResourceDefinition: the derived one, plus what the derive macro cannot express.
///
/// # Errors
/// If the derived definition does not have the expected shape.
pub fn crd() -> Result<CustomResourceDefinition, serde_json::Error> {
    let mut crd = serde_json::to_value(CustomImage::crd())?;
    strip_nullable(&mut crd);
    let status = &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"];
    // Until the operator's first write, no client may take a new object for finished.
    status["default"] = json!({"observedGeneration": -1});
    let conditions = &mut status["properties"]["conditions"];
    conditions["x-kubernetes-list-type"] = json!("map");
    conditions["x-kubernetes-list-map-keys"] = json!(["type"]);
    bound_condition(&mut conditions["items"]["properties"]);
    serde_json::from_value(crd)
}

/// Removes `nullable`, and null from each enum: kubectl 1.32 refuses it in a List. The API server then drops a null, so
/// that null and absent are the same.
fn strip_nullable(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("nullable");
            if let Some(Value::Array(allowed)) = fields.get_mut("enum") {
                allowed.retain(|value| !value.is_null());
            }
            fields.values_mut().for_each(strip_nullable);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_nullable),
        _ => {}
    }
}

/// Adds the limits that metav1.Condition has in Kubernetes' own types.
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
    fn new_object_has_observed_generation_minus_1() {
        assert_eq!(schema()["properties"]["status"]["default"], json!({"observedGeneration": -1}));
    }

    #[test]
    fn nothing_is_nullable() {
        // Not even a null in an enum, which kubectl 1.32 refuses.
        assert!(!schema().to_string().contains("null"));
    }

    #[test]
    fn each_field_of_the_response_is_in_the_status_and_has_a_description() {
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
    fn status_with_unknown_fields_of_a_later_version_can_be_read() {
        let stored = json!({"observedGeneration": 2, "imageId": "a", "somethingNew": 1, "conditions": []});
        let status: CustomImageStatus = serde_json::from_value(stored).unwrap();
        assert_eq!(status.image_id.as_deref(), Some("a"));
    }
}
