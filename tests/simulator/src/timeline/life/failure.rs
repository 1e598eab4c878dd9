//! The words with which AWS tells why a build failed.

use serde_json::{Value, json};

use super::made::{build_version_arn, component_arn, stack_id, unique_id, uuid};
use crate::world::{Build, Outcome, partition};

/// What the step of a failed component says.
pub const STEP_ERROR: &str = "Recipe: aws-parallelcluster-environment::lustre\n\
    Mixlib::ShellOut::ShellCommandFailed: Expected process to exit with [0], but received '1'\n\
    STDERR: Error: Unable to find a match: lustre-client\n\
    Command execution has resulted in an error: exit status 1";

/// Image Builder's reason.
pub fn reason(build: &Build) -> Option<String> {
    match &build.reason {
        Some(reason) if reason == Build::REASON => Some(own_reason(build).unwrap_or_else(|| reason.clone())),
        other => other.clone(),
    }
}

fn own_reason(build: &Build) -> Option<String> {
    let ssm = |status: &str, message: &str| {
        format!(
            "SSM execution '{}' failed for image arn: '{}' with status = '{status}' in state = 'BUILDING' and failure \
             message = '{message}'",
            uuid(build, "command"),
            build_version_arn(build)
        )
    };
    match build.outcome {
        Outcome::Component => {
            Some(ssm("Failed", &format!("Document {} failed!", component_arn(build, "", unique_id(&stack_id(build))))))
        }
        Outcome::Ssm => Some(ssm(
            "TimedOut",
            "Step timed out while step is verifying the Systems Manager Agent availability on the target instance(s)",
        )),
        Outcome::TimedOut => {
            Some(ssm("TimedOut", "Step timed out while step is waiting for the components to complete"))
        }
        Outcome::Quota => Some(format!("{}{QUOTA}", workflow_failed(build))),
        Outcome::Distribution => Some(format!("{}{}", workflow_failed(build), distribution(build))),
        _ => None,
    }
}

const QUOTA: &str = "You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance \
    bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to \
    request an adjustment to this limit.";

fn workflow_failed(build: &Build) -> String {
    format!("Workflow Execution ID: '{}' failed with reason: ", workflow_id(build))
}

pub fn workflow_id(build: &Build) -> String {
    format!("wf-{}", uuid(build, "workflow"))
}

/// What Image Builder says when it cannot copy the AMI.
pub fn distribution(build: &Build) -> String {
    let Build { ami_id, account, region, .. } = build;
    format!(
        "Not all distribution jobs are completed. 1) AMI Copy Reported Failure For {ami_id} when distributing the \
         image from the source account (ID: {account}) to the destination account (ID: {account}) in Region {region}."
    )
}

/// Image Builder's failure context: the build's, else the outcome's own.
pub fn context(build: &Build) -> Option<Value> {
    if build.failure_context.is_some() {
        return build.failure_context.clone();
    }
    let status = if build.outcome == Outcome::Distribution { "DISTRIBUTING" } else { "BUILDING" };
    let mut context = json!({
        "imageStatus": status,
        "workflowExecutionId": workflow_id(build),
        "workflowArn": format!(
            "arn:{}:imagebuilder:{}:aws:workflow/build/build-image/1.0.2/1", partition(&build.region), build.region
        ),
        "stepExecutionId": format!("step-{}", uuid(build, "step")),
    });
    match build.outcome {
        Outcome::Component | Outcome::TimedOut => {
            let is_late = build.outcome == Outcome::TimedOut;
            context["failedStep"] = "ApplyBuildComponents".into();
            context["componentFailure"] = json!({
                "componentArn": component_arn(build, "", unique_id(&stack_id(build))),
                "phaseName": "build",
                "stepName": "InstallPClusterPackages",
                "action": "ExecuteBash",
                "errorMessage": if is_late { "Execution timed out" } else { STEP_ERROR },
            });
        }
        Outcome::Ssm | Outcome::Quota => context["failedStep"] = "LaunchBuildInstance".into(),
        Outcome::Distribution => {
            let message = distribution(build);
            context["distributionFailure"] = json!({ "errorMessage": message });
        }
        _ => return None,
    }
    Some(context)
}

/// CloudFormation's reason for the failure of the image.
pub fn resource_reason(build: &Build) -> String {
    let reason = reason(build).unwrap_or_default();
    match own_reason(build) {
        None => format!("Resource handler returned message: \"{reason}\""),
        Some(_) => format!(
            "Resource handler returned message: \"Error occurred during operation '{reason}'.\" (RequestToken: {}, \
             HandlerErrorCode: GeneralServiceException)",
            uuid(build, "request")
        ),
    }
}

/// CloudFormation's reason for the failure of the stack.
pub fn stack_reason(build: &Build) -> Option<String> {
    let reason = build.stack_reason.clone();
    let is_default = reason.as_deref() == Some(Build::STACK_REASON);
    match is_default && build.rollback && build.outcome != Outcome::RolledBack {
        true => Some(format!("{} Rollback requested by user.", Build::STACK_REASON)),
        false => reason,
    }
}
