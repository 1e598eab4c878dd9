//! The events of a build's stack: its own, and those of the resources that `pcluster build-image` has in it.

use serde_json::json;

use super::made::{arn, build_version_arn, component_arn, unique_id, uuid};
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
        ..event(IMAGE, status, now)
    });
}

/// Adds an event of each resource of a wave.
pub fn of_resources(stack: &mut Stack, build: &Build, wave: Wave, change: Change, now: &str) {
    let names = Names { build, unique: unique_id(&stack.id).to_owned() };
    for [logical_id, resource_type] in resources(wave).iter().copied() {
        let (status, reason) = match change {
            Change::Begins => ("CREATE_IN_PROGRESS", None),
            Change::IsCreated => ("CREATE_IN_PROGRESS", Some("Resource creation Initiated".to_owned())),
            Change::IsThere => ("CREATE_COMPLETE", None),
            Change::Leaves => ("DELETE_IN_PROGRESS", None),
            Change::IsLeaked if logical_id == "InstanceRole" => ("DELETE_FAILED", Some(role_stays(build))),
            Change::IsGone | Change::IsLeaked => ("DELETE_COMPLETE", None),
        };
        let has_id = !matches!(change, Change::Begins);
        stack.events.push(StackEvent {
            physical_id: Some(if has_id { names.physical_id(logical_id) } else { String::new() }),
            status_reason: reason,
            properties: (wave == Wave::Image && !has_id).then(|| names.image_properties()),
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

/// The names of a build's resources, which end with the UUID of its stack's ARN.
struct Names<'a> {
    build: &'a Build,
    unique: String,
}

impl Names<'_> {
    fn physical_id(&self, logical_id: &str) -> String {
        let Self { build, unique } = self;
        let name = || format!("ParallelClusterImage-{unique}");
        match logical_id {
            "ParallelClusterImage" => build_version_arn(build),
            "ParallelClusterComponent" => component_arn(build, "", unique),
            "ParallelClusterTagComponent" => component_arn(build, "-tag", unique),
            "DistributionConfiguration" => self.configuration("distribution"),
            "InfrastructureConfiguration" => self.configuration("infrastructure"),
            "ImageRecipe" => self.recipe(),
            "BuildNotificationTopic" => arn(build, "sns", &name()),
            "BuildNotificationSubscription" => {
                arn(build, "sns", &format!("{}:{}", name(), digest::uuid(&[unique, "subscription"])))
            }
            "DeleteStackFunctionLog" => format!("/aws/lambda/{}", name()),
            "DeleteStackFunctionPermission" => {
                let digits = digest::hex(&[unique, "permission"], 12).to_uppercase();
                format!("{}-DeleteStackFunctionPermission-{digits}", build.image_id)
            }
            _ => name(),
        }
    }

    fn configuration(&self, kind: &str) -> String {
        let resource = format!("{kind}-configuration/parallelclusterimage-{}", self.unique);
        arn(self.build, "imagebuilder", &resource)
    }

    fn recipe(&self) -> String {
        let name = format!("parallelclusterimage-{}", self.build.image_id).to_lowercase();
        arn(self.build, "imagebuilder", &format!("image-recipe/{name}/{}", self.build.version))
    }

    fn image_properties(&self) -> String {
        let id = &self.build.image_id;
        let properties = json!({
            "DistributionConfigurationArn": self.configuration("distribution"),
            "EnhancedImageMetadataEnabled": "false",
            "ImageRecipeArn": self.recipe(),
            "InfrastructureConfigurationArn": self.configuration("infrastructure"),
            "Tags": {"parallelcluster:image_id": id, "parallelcluster:image_name": id},
        });
        properties.to_string()
    }
}

fn role_stays(build: &Build) -> String {
    format!(
        "Resource handler returned message: \"Cannot delete entity, must detach all policies first. (Service: Iam, \
         Status Code: 409, Request ID: {})\" (RequestToken: {}, HandlerErrorCode: InvalidRequest)",
        uuid(build, "detach"),
        uuid(build, "delete role")
    )
}
