//! Tests of what a played build tells: the events of its stack and the lines of its log.

use std::time::Duration;

use serde_json::json;
use simulator::{Build, Outcome, Simulator, World};

use crate::client::{Client, between, manual};

const GROUP: &str = "/aws/imagebuilder/ParallelClusterImage-img";

async fn played(build: Build, seconds: u64) -> (Simulator, Client) {
    let builds = vec![Build { image_id: "img".into(), seconds: 100.0, ..build }];
    let simulator = Simulator::start(World { clock: manual(), builds, ..World::default() }).await;
    simulator.advance(Duration::from_secs(seconds));
    let client = Client::new(&simulator).await;
    (simulator, client)
}

fn failing(outcome: Outcome, rollback: bool) -> Build {
    Build { outcome, rollback, ..Build::default() }
}

/// The lines of the whole log, of several lines each where AWS has them; none if there is no group.
async fn log(client: &mut Client) -> Vec<String> {
    let ask = json!({"logGroupName": GROUP, "logStreamName": "3.16.1/1", "startFromHead": true});
    let (_, page) = client.logs("AKIA111122223333X", "GetLogEvents", &ask).await;
    let events = page["events"].as_array().cloned().unwrap_or_default();
    events.iter().map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}

/// `LOGICAL STATUS` and the reason of each event, the newest first.
async fn events(client: &mut Client, stack: &str) -> Vec<(String, String)> {
    let form = format!("Action=DescribeStackEvents&Version=2010-05-15&StackName={stack}");
    let (status, body) = client.ask("cloudformation", &form).await;
    assert_eq!(status, 200, "{body}");
    let field = |member: &str, name: &str| {
        between(member, &format!("<{name}>"), &format!("</{name}>")).first().copied().unwrap_or_default().to_owned()
    };
    let members = between(&body, "<member>", "</member>");
    let event = |member: &&str| {
        let what = format!("{} {}", field(member, "LogicalResourceId"), field(member, "ResourceStatus"));
        (what, field(member, "ResourceStatusReason"))
    };
    members.iter().map(event).collect()
}

#[tokio::test]
async fn the_events_of_a_good_build_are_read_by_arn_when_its_stack_is_gone() {
    let (simulator, mut client) = played(Build::default(), 100).await;
    let by_name = "Action=DescribeStackEvents&Version=2010-05-15&StackName=img";
    let (status, body) = client.ask("cloudformation", by_name).await;
    assert_eq!((status, between(&body, "<Message>", "</Message>")), (400, vec!["Stack [img] does not exist"]));
    let stack = simulator.world(|world| world.stacks[0].id.clone());
    let events = events(&mut client, &stack).await;
    let whats: Vec<&str> = events.iter().map(|(what, _)| what.as_str()).collect();
    assert_eq!((whats[0], whats[whats.len() - 1]), ("img DELETE_COMPLETE", "img CREATE_IN_PROGRESS"));
    let place = |what: &str| whats.iter().position(|it| *it == what).unwrap_or_else(|| panic!("{what} is not there"));
    let in_time = [
        "DeleteStackFunction CREATE_COMPLETE",
        "InfrastructureConfiguration CREATE_COMPLETE",
        "ParallelClusterImage CREATE_COMPLETE",
        "img CREATE_COMPLETE",
        "img DELETE_IN_PROGRESS",
        "ParallelClusterImage DELETE_COMPLETE",
        "ParallelClusterComponent DELETE_COMPLETE",
    ];
    assert!(in_time.map(place).is_sorted_by(|a, b| a > b), "{whats:?}");
    assert!(!whats.iter().any(|what| what.ends_with("_FAILED")));
}

#[tokio::test]
async fn each_way_to_fail_names_the_resource_the_reason_and_the_last_lines() {
    let cases = [
        (Outcome::Failed, "step failed", "Execution failed!"),
        (Outcome::Component, "with status = 'Failed' in state = 'BUILDING'", "Unable to find a match: lustre-client"),
        (Outcome::Ssm, "Systems Manager Agent availability", "SSM Agent verification failed"),
        (Outcome::TimedOut, "with status = 'TimedOut'", "Step InstallPClusterPackages timed out"),
        (Outcome::Distribution, "AMI Copy Reported Failure", "AMI Copy Reported Failure"),
        (Outcome::Cancelled, "step failed", "was cancelled"),
    ];
    for (outcome, reason, line) in cases {
        for rollback in [false, true] {
            let (_simulator, mut client) = played(failing(outcome, rollback), 100).await;
            let events = events(&mut client, "img").await;
            let failures: Vec<_> = events.iter().filter(|(what, _)| what.ends_with("_FAILED")).collect();
            let first = failures[failures.len() - 1];
            assert_eq!(first.0, "ParallelClusterImage CREATE_FAILED", "{outcome:?}");
            assert!(first.1.contains("Resource handler returned message: ") && first.1.contains(reason), "{}", first.1);
            let end = if rollback { "img ROLLBACK_COMPLETE" } else { "img CREATE_FAILED" };
            assert_eq!(events[0].0, end, "{outcome:?}");
            let is_deleted = events.iter().any(|(what, _)| what == "InstanceRole DELETE_COMPLETE");
            assert_eq!(is_deleted, rollback, "{outcome:?}");
            let last = log(&mut client).await.split_off(3).join("\n");
            assert!(last.contains(line), "{outcome:?}: {last}");
        }
    }
}

#[tokio::test]
async fn a_quota_stops_a_build_before_it_has_a_log() {
    let (simulator, mut client) = played(failing(Outcome::Quota, false), 20).await;
    assert_eq!(log(&mut client).await, [""; 0]);
    assert_eq!(simulator.world(|world| world.log_groups.len()), 0);
    let version = simulator.world(|world| world.image_build_versions[0].clone());
    assert_eq!(version.status.as_deref(), Some("FAILED"));
    assert!(version.reason.unwrap().contains("vCPU limit"));
    assert_eq!(version.failure_context.unwrap()["failedStep"], "LaunchBuildInstance");
}

#[tokio::test]
async fn the_log_grows_while_the_build_runs() {
    let (simulator, mut client) = played(Build::default(), 11).await;
    assert_eq!(log(&mut client).await.len(), 0);
    let mut lengths = Vec::new();
    for _ in 0..9 {
        simulator.advance(Duration::from_secs(10));
        lengths.push(log(&mut client).await.len());
    }
    assert!(lengths[0] > 0 && lengths.is_sorted() && lengths[0] < lengths[8], "{lengths:?}");
    let (_, page) =
        client.logs("AKIA111122223333X", "DescribeLogStreams", &json!({"logGroupName": GROUP, "limit": 50})).await;
    assert_eq!(page["logStreams"][0]["logStreamName"], "3.16.1/1");
}

#[tokio::test]
async fn the_log_tells_the_step_and_the_message_of_the_builds_own_failure_context() {
    let failure =
        json!({"phaseName": "build", "stepName": "InstallPackages", "errorMessage": "no such package\nexit 7"});
    let context = Some(json!({"failedStep": "RunComponents", "componentFailure": failure}));
    let build = Build { outcome: Outcome::Failed, failure_context: context, ..Build::default() };
    let (_simulator, mut client) = played(build, 100).await;
    let log = log(&mut client).await;
    let place = |line: &str| log.iter().position(|it| it == line).unwrap_or_else(|| panic!("{line}: {log:?}"));
    assert!(place("Step InstallPackages") < place("Stderr: no such package"));
    assert_eq!(place("Stderr: no such package") + 1, place("Stderr: exit 7"));
    assert!(log.last().unwrap().contains("\"status\": \"failed\""), "the summary is one event of several lines");
}

#[tokio::test]
async fn an_orphans_log_tells_that_it_was_not_tagged_and_a_leak_what_was_not_deleted() {
    let (_simulator, mut client) = played(failing(Outcome::Orphan, false), 100).await;
    assert!(log(&mut client).await.contains(&"Stdout: Not able to set AMI tag".to_owned()));
    let (_simulator, mut client) = played(failing(Outcome::Leak, false), 100).await;
    let events = events(&mut client, "img").await;
    let leaked = events.iter().find(|(what, _)| what == "InstanceRole DELETE_FAILED").unwrap();
    assert!(leaked.1.contains("must detach all policies first"));
}
