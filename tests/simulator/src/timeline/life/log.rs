//! The log of a build, as Image Builder's workflow and its component runner TOE write it.

use serde_json::{Value, json};

use super::failure::{self, STEP_ERROR, workflow_id};
use super::made::{component_arn, stack_id, unique_id, uuid};
use crate::digest;
use crate::world::{Build, Outcome};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Chapter {
    Launch,
    Components,
    System,
    Configure,
    Cookbooks,
    Install,
    Installed,
    Test,
    Tag,
    Distribute,
    Failure,
}

const INSTALL: &str = "InstallPClusterPackages";

/// The lines of a chapter. A line may have line breaks.
pub fn lines(build: &Build, chapter: Chapter) -> Vec<String> {
    match chapter {
        Chapter::Launch => vec![
            "Started step LaunchBuildInstance with action LaunchInstance".into(),
            format!("Launched instance {}", instance(build)),
            waiting_for_agent(build, 1),
        ],
        Chapter::Components => vec![
            "Finished step LaunchBuildInstance with action LaunchInstance".into(),
            "Started step ApplyBuildComponents with action ExecuteComponents".into(),
            "Sending command to instance to run".into(),
            format!("Running command (command id: {})", uuid(build, "command")),
            waiting_for_command(build, 1),
        ],
        Chapter::System => {
            let begin = vec![
                format!("Document {}", component_arn(build, "", unique_id(&stack_id(build)))),
                "Phase build".into(),
            ];
            [begin, step("OperatingSystemName", &["alinux2023"]), step("SystemInfo", &["RELEASE=amzn.2023"])].concat()
        }
        Chapter::Configure => {
            let reboot = ["Step RebootStep", "Reboot: STARTED EXECUTION", "Reboot: FINISHED EXECUTION"];
            let configured = [step("PinVersion", &[]), step("ConfigureSystem", &["Complete!"])].concat();
            [configured, reboot.map(str::to_owned).to_vec()].concat()
        }
        Chapter::Cookbooks => {
            let created = ["Step CreateChefFiles", "CreateFile: STARTED EXECUTION", "CreateFile: FINISHED EXECUTION"];
            let cinc = step("InstallCincAndCookbooks", &["Thank you for installing Cinc Client!"]);
            [cinc, created.map(str::to_owned).to_vec()].concat()
        }
        Chapter::Install => begun(
            INSTALL,
            "ExecuteBash",
            &["Calling chef-client with /etc/parallelcluster/image_dna.json", "Starting Cinc Client, version 18.4.12"],
        ),
        Chapter::Installed => {
            let done = ["Stdout: Cinc Client finished, 512/871 resources updated", "ExecuteBash: FINISHED EXECUTION"];
            let cleanup = step("RemoveKernelPinAndCleanup", &["SSM agent is installed by default"]);
            [done.map(str::to_owned).to_vec(), cleanup, succeeded(build)].concat()
        }
        Chapter::Test => {
            let begin = vec![
                format!("Document {}", component_arn(build, "-tag", unique_id(&stack_id(build)))),
                "Phase test".into(),
            ];
            let (ami, region) = ([build.ami_id.as_str()], [build.region.as_str()]);
            [begin, step("AmiId", &ami), step("AWSRegion", &region), step("OperatingSystemName", &["alinux2023"])]
                .concat()
        }
        Chapter::Tag => tagging(build),
        Chapter::Distribute => vec!["Started distribution".into(), format!("Distributed {}", build.ami_id)],
        Chapter::Failure => failed(build),
    }
}

/// A step that ends well.
fn step(name: &str, stdout: &[&str]) -> Vec<String> {
    let mut lines = begun(name, "ExecuteBash", stdout);
    lines.push("ExecuteBash: FINISHED EXECUTION".into());
    lines
}

fn begun(name: &str, action: &str, stdout: &[&str]) -> Vec<String> {
    let mut lines = vec![format!("Step {name}"), format!("{action}: STARTED EXECUTION")];
    lines.extend(stdout.iter().map(|line| format!("Stdout: {line}")));
    lines
}

fn tagging(build: &Build) -> Vec<String> {
    let mut lines = begun("ParallelClusterTag", "ExecuteBash", &["Adding Tag Key=parallelcluster:os,Value=alinux2023"]);
    if build.outcome == Outcome::Orphan {
        lines.push(
            "Stderr: An error occurred (UnauthorizedOperation) when calling the CreateTags operation: You are not \
             authorized to perform this operation."
                .into(),
        );
        lines.push("Stdout: Not able to set AMI tag".into());
    }
    lines.push("ExecuteBash: FINISHED EXECUTION".into());
    lines.extend(succeeded(build));
    lines
}

/// The last lines of a build that failed. They name the step and what it said.
fn failed(build: &Build) -> Vec<String> {
    match build.outcome {
        Outcome::Ssm => vec![
            waiting_for_agent(build, 60),
            format!("SSM Agent verification failed for instance {}", instance(build)),
            "Step LaunchBuildInstance failed: Step timed out while step is verifying the Systems Manager Agent \
             availability on the target instance(s)"
                .into(),
        ],
        Outcome::TimedOut => vec![
            waiting_for_command(build, 240),
            format!("Step {INSTALL} timed out"),
            "Step ApplyBuildComponents failed: Execution timed out".into(),
        ],
        Outcome::Cancelled => vec![
            format!("Cancelling command (command id: {})", uuid(build, "command")),
            format!("Workflow execution {} was cancelled", workflow_id(build)),
        ],
        Outcome::Distribution => vec!["Started distribution".into(), failure::distribution(build)],
        _ => component_failed(build),
    }
}

fn component_failed(build: &Build) -> Vec<String> {
    let context = failure::context(build).unwrap_or_default();
    let told = |names: [&str; 2]| {
        let component = &context["componentFailure"];
        names.into_iter().find_map(|name| component[name].as_str().map(str::to_owned))
    };
    let component =
        told(["componentArn", "arn"]).unwrap_or_else(|| component_arn(build, "", unique_id(&stack_id(build))));
    let phase = told(["phaseName", "phase"]).unwrap_or_else(|| "build".into());
    let name = told(["stepName", "step"]).unwrap_or_else(|| INSTALL.into());
    let action = told(["action", "action"]).unwrap_or_else(|| "ExecuteBash".into());
    let message = told(["errorMessage", "message"]).unwrap_or_else(|| STEP_ERROR.into());
    let mut lines = Vec::new();
    if name != INSTALL {
        lines.push("ExecuteBash: FINISHED EXECUTION".into());
        lines.extend(begun(&name, &action, &[]));
    }
    lines.extend(message.lines().map(|line| format!("Stderr: {line}")));
    lines.push(format!("{action}: FINISHED EXECUTION"));
    lines.push(format!("Step {name} in phase {phase} of {component} failed"));
    lines.push("TOE has completed execution with failure - Execution failed!".into());
    lines.push(summary(build, "failed", &format!("Document {component} failed!")));
    lines
}

fn succeeded(build: &Build) -> Vec<String> {
    vec!["TOE has completed execution successfully".into(), summary(build, "success", "")]
}

/// TOE's summary, which is one event of several lines.
fn summary(build: &Build, status: &str, message: &str) -> String {
    let summary: Value = json!({
        "executionId": uuid(build, "execution"),
        "status": status,
        "failedStepCount": u8::from(!message.is_empty()),
        "executedStepCount": 9,
        "ignoredFailedStepCount": 0,
        "failureMessage": message,
        "logUrl": "",
    });
    format!("{summary:#}")
}

fn waiting_for_agent(build: &Build, attempt: u16) -> String {
    format!("Waiting for the SSM agent of instance {} to be online. Attempt number {attempt}.", instance(build))
}

fn waiting_for_command(build: &Build, attempt: u16) -> String {
    format!("Waiting for command to complete (command id: {}). Attempt number {attempt}.", uuid(build, "command"))
}

fn instance(build: &Build) -> String {
    format!("i-{}", digest::hex(&["instance", &uuid(build, "instance")], 17))
}
