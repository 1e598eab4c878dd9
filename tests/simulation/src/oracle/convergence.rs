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
use super::{beside, condition, ready, reason};
use crate::aws::Facts;
use crate::plan::REGIONS;
use crate::trace::Trace;
use crate::users::NOWHERE;

/// A longer request is ignored, in characters.
const LONGEST_REQUEST: usize = 253;

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

/// Compares all objects with AWS. `config` leads to AWS in fair weather, `facts` is what it has.
pub async fn check(objects: &[Arc<Value>], config: &SdkConfig, facts: &Facts, trace: &Trace) {
    let aws = Aws::new(config.clone(), Arc::new(IgnoreCalls));
    for object in objects.iter().filter(|object| object["spec"]["suspend"] != true) {
        let (spec, status) = (&object["spec"], &object["status"]);
        let name = format!("{}/{}", object["metadata"]["namespace"], object["metadata"]["name"]);
        let region = spec["region"].as_str().unwrap_or(REGIONS[0]);
        if region == NOWHERE {
            if reason(status) != "UnknownRegion" || status["imageBuildStatus"].is_string() {
                trace.fail("convergence", format_args!("{name} is in no region: {status}"));
            }
            continue;
        }
        let Some(expected) = answer(&aws, region, text(spec, "imageId")).await else {
            trace.fail("convergence", format_args!("AWS does not tell the oracle about {name}"));
            return;
        };
        let shown: Map<String, Value> =
            PAYLOAD.iter().filter_map(|field| Some(((*field).to_owned(), status.get(*field)?.clone()))).collect();
        if sorted(Value::Object(shown)) != sorted(Value::Object(expected.clone())) {
            trace.fail("convergence", format_args!("{name} shows {status}, and AWS says {}", json!(expected)));
        }
        let wrong = ready::wrong(status, true).or_else(|| beside::wrong(status));
        let wrong = wrong.or_else(|| wrong_orphan(status, facts)).or_else(|| wrong_now(object).map(str::to_owned));
        if let Some(wrong) = wrong {
            trace.fail("convergence", format_args!("{name}: {wrong}: {status}"));
        }
    }
}

/// An image is orphaned if AWS has the AMI of its build without its tags.
fn wrong_orphan(status: &Value, facts: &Facts) -> Option<String> {
    let (region, id) = (text(status, "region"), text(status, "imageId").to_lowercase());
    let of_build = status["build"]["imageArn"].as_str();
    let is_its = |arn: &str| match of_build {
        Some(of_build) => arn == of_build,
        None => arn.contains(&format!(":image/parallelclusterimage-{id}/")),
    };
    let exists = facts.made.iter().any(|(place, arn)| place == region && is_its(arn));
    (reason(status) == "OrphanedImage" && !exists).then(|| "no AMI of its build exists".to_owned())
}

/// What is wrong that must be right once all is at rest.
fn wrong_now(object: &Value) -> Option<&'static str> {
    let (metadata, status) = (&object["metadata"], &object["status"]);
    let requested = &metadata["annotations"]["reconcile.fluxcd.io/requestedAt"];
    let generation = condition(status, "Ready").map(|ready| &ready["observedGeneration"]);
    let is_too_long = requested.as_str().is_some_and(|requested| requested.len() > LONGEST_REQUEST);
    match () {
        () if condition(status, "Synced").is_none_or(|synced| synced["status"] != "True") => Some("it is not synced"),
        () if condition(status, "PayloadComplete").is_some() => Some("AWS refuses nothing any more"),
        () if generation != Some(&metadata["generation"]) => Some("Ready is of another generation"),
        () if !requested.is_null() && !is_too_long && status["lastHandledReconcileAt"] != *requested => {
            Some("a request is unanswered")
        }
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
