//! Convergence: some time after the last fault, each status is what describeImage answers now, and its conditions are those
//! of the table.

use aws_config::SdkConfig;
use customimage_operator::aws::{Aws, IgnoreCalls};
use customimage_operator::describe_image::observe::observe;
use customimage_operator::describe_image::{ImageId, Region, Scope, describe};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

use super::claims::text;
use super::{condition, ready};
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

/// How often AWS is asked what it has.
const TRIES: u32 = 100;

/// Compares all objects with AWS. `config` leads to AWS in fair weather.
pub async fn check(objects: &[Arc<Value>], config: &SdkConfig, trace: &Trace) {
    let aws = Aws::new(config.clone(), Arc::new(IgnoreCalls));
    for object in objects {
        let (spec, status) = (&object["spec"], &object["status"]);
        let name = format!("{}/{}", object["metadata"]["namespace"], object["metadata"]["name"]);
        if spec["suspend"] == true {
            continue;
        }
        let Some(expected) = answer(&aws, text(spec, "region"), text(spec, "imageId")).await else {
            trace.fail("convergence", format_args!("AWS does not tell the oracle about {name}"));
            return;
        };
        let shown: Map<String, Value> =
            PAYLOAD.iter().filter_map(|field| Some(((*field).to_owned(), status.get(*field)?.clone()))).collect();
        if sorted(Value::Object(shown)) != sorted(Value::Object(expected.clone())) {
            trace.fail("convergence", format_args!("{name} shows {status}, and AWS says {}", json!(expected)));
        }
        if let Some(wrong) = ready::wrong(status, true) {
            trace.fail("convergence", format_args!("{name}: {wrong}: {status}"));
        }
        if condition(status, "Synced").is_none_or(|synced| synced["status"] != "True") {
            trace.fail("convergence", format_args!("{name} is not synced: {status}"));
        }
        if let Some(wrong) = wrong_beside(object) {
            trace.fail("convergence", format_args!("{name}: {wrong}: {status}"));
        }
    }
}

/// What is wrong beside the payload and Ready.
fn wrong_beside(object: &Value) -> Option<&'static str> {
    let (metadata, status) = (&object["metadata"], &object["status"]);
    let requested = &metadata["annotations"]["reconcile.fluxcd.io/requestedAt"];
    let generation = condition(status, "Ready").map(|ready| &ready["observedGeneration"]);
    match () {
        () if generation != Some(&metadata["generation"]) => Some("Ready is of another generation"),
        () if !requested.is_null() && status["lastHandledReconcileAt"] != *requested => Some("a request is unanswered"),
        () => None,
    }
}

/// What describeImage answers now. Empty if there is no image, `None` if AWS does not tell.
async fn answer(aws: &Aws, region: &str, id: &str) -> Option<Map<String, Value>> {
    let (region, id) = (Region::parse(region).ok()?, ImageId::parse(id).ok()?);
    let scope = Scope::default_identity(region.clone());
    for _ in 0..TRIES {
        let answers = observe(aws, &scope, std::slice::from_ref(&id)).await;
        let Some((_, Ok(observation))) = answers.into_iter().next() else {
            // AWS's rate limit. There is no budget here.
            sleep(Duration::from_secs(1)).await;
            continue;
        };
        let answer = describe(&id, &region, &observation).ok().and_then(|answer| serde_json::to_value(answer).ok());
        let Some(Value::Object(mut answer)) = answer else { return Some(Map::new()) };
        answer.retain(|field, _| PAYLOAD.contains(&field.as_str()));
        return Some(answer);
    }
    None
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
