//! The events of a build's stack: its own, and those of the resources that `pcluster build-image` has in it.

use serde_json::json;

use super::made::{arn, build_version_arn, component_arn, stack_unique_id, uuid};
use crate::digest;
use crate::world::{Build, Stack, StackEvent};

/// The resources in the order of their creation. Those of a wave need those of the waves before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wave {
    First,
    Second,
    Third,
    Image,
}

#[derive(Clone, Copy)]
pub enum Change {
    Begins,
    IsCreated,
    IsThere,
    Leaves,
    IsGone,
    /// Like `IsGone`, but the instance's role stays.
    IsLeaked,
}

const IMAGE: [&str; 2] = ["ParallelClusterImage", "AWS::ImageBuilder::Image"];

/// Logical ids and types.
fn resources(wave: Wave) -> &'static [[&'static str; 2]] {
    match wave {
        Wave::First => &[
            ["InstanceRole", "AWS::IAM::Role"],
            ["ParallelClusterComponent", "AWS::ImageBuilder::Component"],
            ["ParallelClusterTagComponent", "AWS::ImageBuilder::Component"],
            ["DistributionConfiguration", "AWS::ImageBuilder::DistributionConfiguration"],
            ["BuildNotificationTopic", "AWS::SNS::Topic"],
            ["DeleteStackFunctionLog", "AWS::Logs::LogGroup"],
        ],
        Wave::Second => &[
            ["InstanceProfile", "AWS::IAM::InstanceProfile"],
            ["ImageRecipe", "AWS::ImageBuilder::ImageRecipe"],
            ["DeleteStackFunction", "AWS::Lambda::Function"],
        ],
        Wave::Third => &[
            ["InfrastructureConfiguration", "AWS::ImageBuilder::InfrastructureConfiguration"],
            ["DeleteStackFunctionPermission", "AWS::Lambda::Permission"],
            ["BuildNotificationSubscription", "AWS::SNS::Subscription"],
        ],
        Wave::Image => &[IMAGE],
    }
}

/// Adds the event of the stack's present status.
pub fn of_stack(stack: &mut Stack, now: &str) {
    let is_deletion = stack.status.as_deref() == Some("DELETE_IN_PROGRESS");
    let reason = is_deletion.then(|| "User Initiated".to_owned());
    stack.events.push(StackEvent {
        logical_id: Some(stack.name.clone()),
        physical_id: Some(stack.id.clone()),
        resource_type: Some("AWS::CloudFormation::Stack".into()),
        timestamp: Some(now.to_owned()),
        status: stack.status.clone(),
        status_reason: reason.or_else(|| stack.status_reason.clone()),
        ..StackEvent::default()
    });
}

/// Adds an event of the image, whose build has begun.
pub fn of_image(stack: &mut Stack, build: &Build, status: &str, reason: Option<String>, now: &str) {
    stack.events.push(StackEvent {
        physical_id: Some(build_version_arn(build)),
        status_reason: reason,
        properties: Some(image_properties(build)),
        ..event(IMAGE, status, now)
    });
}

/// Adds an event of each resource of a wave.
pub fn of_resources(stack: &mut Stack, build: &Build, wave: Wave, change: Change, now: &str) {
    let initiated = |is_so: bool| is_so.then(|| "Resource creation Initiated".to_owned());
    for [logical_id, resource_type] in resources(wave).iter().copied() {
        let (status, reason) = match change {
            Change::Begins => ("CREATE_IN_PROGRESS", None),
            Change::IsCreated => ("CREATE_IN_PROGRESS", initiated(true)),
            Change::IsThere => ("CREATE_COMPLETE", None),
            Change::Leaves => ("DELETE_IN_PROGRESS", None),
            Change::IsLeaked if logical_id == "InstanceRole" => ("DELETE_FAILED", Some(role_stays(build))),
            Change::IsGone | Change::IsLeaked => ("DELETE_COMPLETE", None),
        };
        let has_id = !matches!(change, Change::Begins);
        stack.events.push(StackEvent {
            physical_id: Some(if has_id { physical_id(build, logical_id) } else { String::new() }),
            status_reason: reason,
            properties: (logical_id == IMAGE[0]).then(|| image_properties(build)),
            ..event([logical_id, resource_type], status, now)
        });
    }
}

fn event([logical_id, resource_type]: [&str; 2], status: &str, now: &str) -> StackEvent {
    StackEvent {
        logical_id: Some(logical_id.to_owned()),
        resource_type: Some(resource_type.to_owned()),
        timestamp: Some(now.to_owned()),
        status: Some(status.to_owned()),
        ..StackEvent::default()
    }
}

fn physical_id(build: &Build, logical_id: &str) -> String {
    let unique = stack_unique_id(build);
    let name = format!("ParallelClusterImage-{unique}");
    let of_image_builder = |kind: &str| arn(build, "imagebuilder", &format!("{kind}/parallelclusterimage-{unique}"));
    match logical_id {
        "ParallelClusterImage" => build_version_arn(build),
        "ParallelClusterComponent" => component_arn(build, ""),
        "ParallelClusterTagComponent" => component_arn(build, "-tag"),
        "DistributionConfiguration" => of_image_builder("distribution-configuration"),
        "InfrastructureConfiguration" => of_image_builder("infrastructure-configuration"),
        "ImageRecipe" => recipe_arn(build),
        "BuildNotificationTopic" => arn(build, "sns", &name),
        "BuildNotificationSubscription" => arn(build, "sns", &format!("{name}:{}", uuid(build, "subscription"))),
        "DeleteStackFunctionLog" => format!("/aws/lambda/{name}"),
        "DeleteStackFunctionPermission" => {
            let digits = digest::hex(&[&unique, "permission"], 12).to_uppercase();
            format!("{}-DeleteStackFunctionPermission-{digits}", build.image_id)
        }
        _ => name,
    }
}

fn recipe_arn(build: &Build) -> String {
    let name = format!("parallelclusterimage-{}", build.image_id).to_lowercase();
    arn(build, "imagebuilder", &format!("image-recipe/{name}/{}", build.version))
}

fn image_properties(build: &Build) -> String {
    let properties = json!({
        "DistributionConfigurationArn": physical_id(build, "DistributionConfiguration"),
        "EnhancedImageMetadataEnabled": "false",
        "ImageRecipeArn": recipe_arn(build),
        "InfrastructureConfigurationArn": physical_id(build, "InfrastructureConfiguration"),
        "Tags": {"parallelcluster:image_id": build.image_id, "parallelcluster:image_name": build.image_id},
    });
    properties.to_string()
}

fn role_stays(build: &Build) -> String {
    format!(
        "Resource handler returned message: \"Cannot delete entity, must detach all policies first. (Service: Iam, \
         Status Code: 409, Request ID: {})\" (RequestToken: {}, HandlerErrorCode: InvalidRequest)",
        uuid(build, "detach"),
        uuid(build, "delete role")
    )
}
