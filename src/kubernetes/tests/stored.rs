//! Stored CustomImages of chance: valid ones, changed ones, and any JSON.

use crate::tests::json::{any_change, any_json, changed};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The names of the fields that the operator reads.
const NAMES: [&str; 40] = [
    "apiVersion",
    "kind",
    "metadata",
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "annotations",
    "labels",
    "spec",
    "imageId",
    "region",
    "identity",
    "suspend",
    "status",
    "conditions",
    "type",
    "reason",
    "message",
    "lastTransitionTime",
    "observedGeneration",
    "accountId",
    "build",
    "phase",
    "failure",
    "imageConfiguration",
    "url",
    "version",
    "imageBuildStatus",
    "ec2AmiInfo",
    "tags",
    "key",
    "value",
    "cloudformationStackArn",
    "cloudformationStackTags",
    "startedAt",
    "endedAt",
    "observedAt",
];

pub const STACK: &str = "arn:aws:cloudformation:eu-west-1:111122223333:stack/hpc/1";
pub const BUILD: &str = "arn:aws:imagebuilder:eu-west-1:111122223333:image/parallelclusterimage-hpc/3.14.0/1";

fn condition(type_: &str, status: &str, reason: &str) -> Value {
    json!({"type": type_, "status": status, "reason": reason, "message": "m", "observedGeneration": 3,
        "lastTransitionTime": "2026-11-24T10:00:00Z"})
}

fn available() -> Value {
    json!({
        "observedGeneration": 3, "accountId": "111122223333", "lastHandledReconcileAt": "now", "imageId": "hpc",
        "region": "eu-west-1", "phase": "AVAILABLE", "imageConfiguration": {"url": "s3://bucket/key"},
        "conditions": [condition("Ready", "True", "ImageAvailable"), condition("Synced", "True", "ObservedImage")],
        "build": {"stackArn": STACK, "imageArn": BUILD, "amiId": "ami-1", "logGroup": "/aws/imagebuilder/x",
            "logStream": "3.14.0/1", "startedAt": "2026-11-24T09:00:00Z", "endedAt": "2026-11-24T10:00:00Z",
            "durationSeconds": 3600, "phaseStartedAt": "2026-11-24T10:00:00Z"},
        "version": "3.14.0", "imageBuildStatus": "BUILD_COMPLETE", "creationTime": "2026-11-24T10:00:00.000Z",
        "ec2AmiInfo": {"amiName": "hpc", "amiId": "ami-1", "state": "AVAILABLE", "architecture": "x86_64",
            "description": "d", "tags": [{"key": "Ec2ImageBuilderArn", "value": BUILD}, {"key": "b", "value": ""}]}
    })
}

fn failed() -> Value {
    json!({
        "observedGeneration": 3, "imageId": "hpc", "region": "eu-west-1", "phase": "FAILED",
        "imageConfiguration": {"url": "NOT_AVAILABLE"},
        "conditions": [condition("Ready", "False", "BuildFailed"), condition("PayloadComplete", "False", "AccessDenied"),
            condition("Stalled", "True", "BuildFailed"), condition("Synced", "False", "Throttled")],
        "build": {"stackArn": STACK, "startedAt": "2026-11-24T09:00:00Z"},
        "failure": {"observedAt": "2026-11-24T10:00:00Z", "imageStatus": "FAILED", "step": "RunComponents",
            "message": "exit 1", "stackEvent": {"resource": "ParallelClusterImage", "status": "CREATE_FAILED"}},
        "imageBuildStatus": "BUILD_FAILED", "cloudformationStackArn": STACK,
        "cloudformationStackCreationTime": "2026-11-24T09:00:00.000Z", "cloudformationStackStatus": "CREATE_FAILED",
        "cloudformationStackStatusReason": "no space", "imageBuildLogsArn": "arn:logs",
        "cloudformationStackTags": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}],
        "imagebuilderImageStatus": "FAILED", "imagebuilderImageStatusReason": "exit 1"
    })
}

fn absent(mark: &str, reason: &str) -> Value {
    json!({
        "observedGeneration": 3, "imageId": "hpc", "region": "eu-west-1", "accountId": "111122223333",
        "conditions": [condition("Ready", "False", reason), condition(mark, "True", reason),
            condition("Reconciling", "True", reason), condition("Synced", "True", "ObservedAbsence")]
    })
}

fn object(status: &Value) -> Value {
    json!({
        "apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage",
        "metadata": {"name": "hpc", "namespace": "images", "uid": "u-1", "resourceVersion": "7", "generation": 3,
            "creationTimestamp": "2026-11-24T08:00:00Z", "labels": {"team": "hpc"},
            "annotations": {"reconcile.fluxcd.io/requestedAt": "now", "other": "x"}},
        "spec": {"imageId": "hpc", "region": "eu-west-1", "identity": "research", "suspend": false},
        "status": status
    })
}

fn any_valid_status() -> impl Strategy<Value = Value> {
    proptest::sample::select(vec![
        json!({"observedGeneration": -1}),
        available(),
        failed(),
        absent("Absent", "NotFound"),
        absent("Absent", "Deleted"),
        absent("Finalizing", "OrphanedImage"),
    ])
}

/// An object: valid, changed in a few places, or any JSON.
pub fn any_object() -> BoxedStrategy<Value> {
    let changes = proptest::collection::vec(any_change(&NAMES), 0..4);
    let like_ours = (any_valid_status(), changes).prop_map(|(status, changes)| changed(object(&status), &changes));
    prop_oneof![8 => like_ours, 1 => any_json(&NAMES)].boxed()
}

/// A status: valid, changed in a few places, or any JSON.
pub fn any_status() -> BoxedStrategy<Value> {
    let changes = proptest::collection::vec(any_change(&NAMES), 0..4);
    let like_ours = (any_valid_status(), changes).prop_map(|(status, changes)| changed(status, &changes));
    prop_oneof![12 => like_ours, 1 => any_json(&NAMES)].boxed()
}
