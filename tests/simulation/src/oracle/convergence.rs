//! Convergence: some time after the last fault, each status is what describeImage answers now, and its conditions are those
//! of the table.

use aws_config::SdkConfig;
use customimage_operator::aws::{Aws, IgnoreCalls};
use customimage_operator::describe_image::observe::observe;
use customimage_operator::describe_image::{ImageId, Region, Scope, describe};
use serde_json::{Map, Value, json};
use std::sync::Arc;

use super::{condition, reason};
use crate::trace::Trace;

/// The fields of describeImage's answer.
const PAYLOAD: [&str; 13] = [
    "imageConfiguration",
    "imageBuildStatus",
    "version",
    "creationTime",
    "ec2AmiInfo",
    "cloudformationStackArn",
    "cloudformationStackCreationTime",
    "cloudformationStackStatus",
    "cloudformationStackStatusReason",
    "cloudformationStackTags",
    "imageBuildLogsArn",
    "imagebuilderImageStatus",
    "imagebuilderImageStatusReason",
];

/// Compares all objects with AWS. `config` leads to AWS in fair weather.
pub async fn check(objects: &[Arc<Value>], config: &SdkConfig, trace: &Trace) {
    let aws = Aws::new(config.clone(), Arc::new(IgnoreCalls));
    for object in objects {
        let (spec, status) = (&object["spec"], &object["status"]);
        let name = format!("{}/{}", object["metadata"]["namespace"], object["metadata"]["name"]);
        if spec["suspend"] == true {
            continue;
        }
        let expected = answer(&aws, text(&spec["region"]), text(&spec["imageId"])).await;
        let shown: Map<String, Value> =
            PAYLOAD.iter().filter_map(|field| Some(((*field).to_owned(), status.get(*field)?.clone()))).collect();
        if sorted(Value::Object(shown)) != sorted(Value::Object(expected.clone())) {
            trace.fail("convergence", format_args!("{name} shows {status}, and AWS says {}", json!(expected)));
        }
        let allowed = reasons(&expected);
        if !allowed.contains(&reason(status)) {
            trace
                .fail("convergence", format_args!("{name} has reason {:?}, not {allowed:?}: {status}", reason(status)));
        }
        if condition(status, "Synced").is_none_or(|synced| synced["status"] != "True") {
            trace.fail("convergence", format_args!("{name} is not synced: {status}"));
        }
        if let Some(wrong) = wrong_beside(object) {
            trace.fail("convergence", format_args!("{name}: {wrong}: {status}"));
        }
    }
}

/// What is wrong beside the payload and the reason of Ready.
fn wrong_beside(object: &Value) -> Option<&'static str> {
    let (metadata, status) = (&object["metadata"], &object["status"]);
    let ready = condition(status, "Ready")?;
    let is_true = |type_: &str| condition(status, type_).is_some_and(|condition| condition["status"] == "True");
    let (expected, beside) = match reason(status) {
        "ImageAvailable" => ("True", None),
        "UnknownBuildStatus" => ("Unknown", Some("Reconciling")),
        "Building" | "ImagePending" | "Finalizing" | "Deleting" => ("False", Some("Reconciling")),
        _ => ("False", Some("Stalled")),
    };
    let has = |type_| is_true(type_) == (beside == Some(type_));
    let requested = &metadata["annotations"]["reconcile.fluxcd.io/requestedAt"];
    match () {
        () if ready["status"] != expected => Some("the status of Ready is not that of its reason"),
        () if !has("Reconciling") || !has("Stalled") => Some("the condition beside Ready is not that of the table"),
        () if ready["observedGeneration"] != metadata["generation"] => Some("Ready is of another generation"),
        () if !requested.is_null() && status["lastHandledReconcileAt"] != *requested => Some("a request is unanswered"),
        () => None,
    }
}

/// What describeImage answers now. Empty if there is no image.
async fn answer(aws: &Aws, region: &str, id: &str) -> Map<String, Value> {
    let (Ok(region), Ok(id)) = (Region::parse(region), ImageId::parse(id)) else { return Map::new() };
    let scope = Scope::default_identity(region.clone());
    let answers = observe(aws, &scope, std::slice::from_ref(&id)).await;
    let Some((_, Ok(observation))) = answers.into_iter().next() else { return Map::new() };
    let answer = describe(&id, &region, &observation).ok().and_then(|answer| serde_json::to_value(answer).ok());
    let Some(Value::Object(mut answer)) = answer else { return Map::new() };
    answer.retain(|field, _| PAYLOAD.contains(&field.as_str()));
    answer
}

/// The reasons that a status may have for this answer.
fn reasons(answer: &Map<String, Value>) -> &'static [&'static str] {
    let field = |name: &str| answer.get(name).map(text).unwrap_or_default();
    let state = answer.get("ec2AmiInfo").map(|ami| text(&ami["state"]));
    match (state, field("imageBuildStatus")) {
        (Some("AVAILABLE"), _) => &["ImageAvailable"],
        (Some("PENDING"), _) => &["ImagePending"],
        (Some(_), _) => &["ImageUnusable"],
        (None, "BUILD_IN_PROGRESS") => &["Building"],
        (None, "BUILD_COMPLETE") => &["Finalizing", "OrphanedImage"],
        (None, "BUILD_FAILED") => &["BuildFailed"],
        (None, "DELETE_IN_PROGRESS") => &["Deleting"],
        (None, "DELETE_FAILED") => &["DeleteFailed"],
        (None, "") => &["NotFound", "Deleted", "OrphanedImage", "Finalizing"],
        (None, _) => &["UnknownBuildStatus"],
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// With all lists sorted, because AWS guarantees no order of tags.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(sorted).collect();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(name, value)| (name, sorted(value))).collect()),
        other => other,
    }
}
