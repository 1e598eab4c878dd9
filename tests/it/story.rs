use crate::support::describe::{Answer, clean, finish, program};
use crate::support::lab::{Lab, REGION, condition_of, message_of};
use crate::support::world::world;
use crate::support::{eventually, oracle, run};
use customimage_operator::kubernetes::CustomImage;
use serde_json::{Value, json};
use simulator::{Build, ClockMode, ClockSetting, Fault, FaultKind, Limit, Outcome, World};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

const STREAM: &str = "3.16.1/1";

/// A world in which `builds` take 100 s each, of a clock that the test advances.
fn playing(builds: impl IntoIterator<Item = (&'static str, Outcome, bool)>) -> World {
    let mut world = world(REGION);
    world.clock.mode = ClockMode::Manual;
    world.builds.extend(builds.into_iter().map(|(id, outcome, rollback)| Build {
        image_id: id.into(),
        region: REGION.into(),
        outcome,
        rollback,
        seconds: 100.0,
        ..Build::default()
    }));
    world
}

/// Starts `logs --follow` of the image `hpc`. Its lines are in the pipe.
fn followed(lab: &Lab) -> Child {
    let mut command = program(&lab.aws.endpoint());
    command.args(["logs", "--image-id", "hpc", "--region", REGION, "--follow", "--aws-max-attempts", "1"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap()
}

/// Runs `logs` or `events` with the kubeconfig of the lab.
async fn told(lab: &Lab, arguments: &[&str]) -> Answer {
    let mut command = program(&lab.aws.endpoint());
    command.env("KUBECONFIG", &lab.kubeconfig).args(arguments);
    finish(command).await
}

async fn official(lab: &Lab, command: &str, id: &str, more: &[&str]) -> Answer {
    let arguments = [&[command, "--image-id", id, "--region", REGION], more].concat();
    oracle::answer(&lab.aws.endpoint(), &arguments).await
}

/// Advances the clock until Ready of every object has one of these reasons.
async fn until(lab: &Lab, names: &[&str], reasons: &[&str]) {
    eventually(&format!("{names:?} are {reasons:?}"), || async {
        for name in names {
            let object = lab.get(name).await;
            let reason = condition_of(&object, "Ready").map(|(_, reason)| reason.to_owned());
            if !reason.as_ref().is_some_and(|reason| reasons.contains(&reason.as_str())) {
                lab.aws.advance(Duration::from_secs(2));
                tokio::time::sleep(Duration::from_millis(150)).await;
                return Err(format!("{name}: {reason:?}"));
            }
        }
        Ok(())
    })
    .await;
}

fn status(object: &CustomImage) -> Value {
    serde_json::to_value(object.status.clone().unwrap()).unwrap()
}

#[test]
fn every_failed_build_names_its_cause_in_the_status_an_event_and_its_log() {
    // The id of the image, how its build fails, and a word of the cause that the status and the log have.
    let failing = [
        ("component", Outcome::Component, false, "InstallPClusterPackages"),
        ("component-rollback", Outcome::Component, true, "InstallPClusterPackages"),
        ("ssm", Outcome::Ssm, false, "Systems Manager Agent"),
        ("quota", Outcome::Quota, true, "vCPU"),
        ("cancelled", Outcome::Cancelled, false, "CANCELLED"),
        ("timed-out", Outcome::TimedOut, true, "timed out"),
        ("distribution", Outcome::Distribution, false, "distributing the image"),
    ];
    run(async {
        let lab = Lab::new(playing(failing.map(|(id, outcome, rollback, _)| (id, outcome, rollback)))).await;
        for (id, ..) in failing {
            lab.create(id, json!({})).await;
        }
        let _operator = lab.operator(&[("CUSTOMIMAGE_BUILD_LOGS", "true")]).await;
        until(&lab, &failing.map(|(id, ..)| id), &["BuildFailed", "Deleting", "Deleted"]).await;
        for (id, outcome, _, cause) in failing {
            let object = lab.get(id).await;
            let (message, status) = (message_of(&object, "Ready"), status(&object));
            assert!(status["failure"].to_string().contains(cause), "{id}: {status}");
            assert!(message.contains("what to do: customimage-operator "), "{id}: {message}");
            lab.event(id, condition_of(&object, "Ready").unwrap().1).await;
            let log = told(&lab, &["logs", id, "-n", &lab.namespace, "--output", "json"]).await;
            let reference =
                official(&lab, "get-image-log-events", id, &["--log-stream-name", STREAM, "--start-from-head", "true"]);
            let reference = reference.await;
            assert_eq!((log.code != 0, &log.body), (reference.code != 0, &reference.body), "{id}: {}", log.stderr);
            if outcome != Outcome::Quota {
                assert_eq!(status["build"]["logStream"], STREAM, "{id}: {status}");
                let text = told(&lab, &["logs", id, "-n", &lab.namespace, "--tail", "5"]).await;
                let events = text.text.lines().filter(|line| !line.starts_with(' ')).count();
                assert_eq!((text.code, events), (0, 5), "{id}: {text:?}");
                let reference =
                    official(&lab, "get-image-log-events", id, &["--log-stream-name", STREAM, "--limit", "5"]).await;
                let tail = told(&lab, &["logs", id, "-n", &lab.namespace, "--tail", "5", "-o", "json"]).await;
                assert_eq!(tail.body["events"], reference.body["events"], "{id}");
            }
        }
    });
}

#[test]
fn the_events_of_a_stack_are_the_official_programs_and_stay_when_the_stack_is_gone() {
    run(async {
        let lab = Lab::new(playing([("stays", Outcome::Component, false), ("goes", Outcome::Available, false)])).await;
        for id in ["stays", "goes"] {
            lab.create(id, json!({})).await;
        }
        let _operator = lab.operator(&[("CUSTOMIMAGE_BUILD_LOGS", "true")]).await;
        until(&lab, &["stays"], &["BuildFailed"]).await;
        let ours = told(&lab, &["events", "stays", "-n", &lab.namespace, "--output", "json"]).await;
        let by_id = told(&lab, &["events", "--image-id", "stays", "-r", REGION, "--output", "json"]).await;
        let reference = official(&lab, "get-image-stack-events", "stays", &[]).await;
        assert_eq!((ours.code, &ours.body), (0, &reference.body), "{}", ours.stderr);
        assert_eq!(by_id.body, reference.body);
        let first = status(&lab.get("stays").await)["failure"]["stackEvent"].clone();
        assert!(first["status"].as_str().is_some_and(|status| status.ends_with("_FAILED")), "{first}");
        until(&lab, &["goes"], &["ImageAvailable"]).await;
        lab.aws.advance(Duration::from_secs(3600));
        let text = told(&lab, &["events", "goes", "-n", &lab.namespace]).await;
        let is_gone = lab.aws.world(|world| {
            world.stacks.iter().all(|stack| stack.name != "goes" || stack.status.as_deref() == Some("DELETE_COMPLETE"))
        });
        assert!(is_gone, "the stack of a finished build deletes itself");
        let gone = told(&lab, &["events", "--image-id", "gone", "-r", REGION, "-o", "json"]).await;
        let reference = official(&lab, "get-image-stack-events", "gone", &[]).await;
        assert_eq!((gone.code != 0, &gone.body), (reference.code != 0, &reference.body));
        assert!(text.code == 0 && text.text.contains("ParallelClusterImage"), "{text:?}");
    });
}

#[test]
fn a_build_whose_tagging_failed_is_told_with_its_ami_its_build_and_its_log() {
    run(async {
        let lab = Lab::new(playing([("hpc", Outcome::Orphan, false)])).await;
        lab.create("hpc", json!({})).await;
        let _operator = lab.operator(&[("CUSTOMIMAGE_FINALIZING_PERIOD", "1s")]).await;
        until(&lab, &["hpc"], &["OrphanedImage"]).await;
        let object = lab.get("hpc").await;
        let (message, status) = (message_of(&object, "Ready"), status(&object));
        let build = &status["build"];
        for word in ["image/parallelclusterimage-hpc", "lacks ParallelCluster's tags", "customimage-operator logs hpc"]
        {
            assert!(message.contains(word), "{word}: {message} {build}");
        }
        lab.event("hpc", "OrphanedImage").await;
        let log = told(&lab, &["logs", "hpc", "-n", &lab.namespace]).await;
        assert!(log.code == 0 && log.text.contains("Not able to set AMI tag"), "{log:?}");
    });
}

#[test]
fn a_hundred_builds_that_fail_at_once_stay_within_the_budget_and_cost_one_call_more_each() {
    run(async {
        let ids: Vec<String> = (0..100).map(|number| format!("hpc-{number}")).collect();
        let mut world = playing([]);
        world.builds.extend(ids.iter().map(|id| Build {
            image_id: id.clone(),
            region: REGION.into(),
            outcome: Outcome::Component,
            seconds: 100.0,
            ..Build::default()
        }));
        // AWS's own limits, eight times as fast.
        let limit = Limit { burst: 80.0, per_second: 40.0 };
        for api in ["DescribeStacks", "DescribeStackResource", "DescribeStackEvents"] {
            world.limits.insert(format!("cloudformation:{api}"), limit);
        }
        world.limits.insert("imagebuilder:GetImage".into(), limit);
        world.aws_limits = true;
        world.clock = ClockSetting { speed: 10.0, ..ClockSetting::default() };
        let lab = Lab::new(world).await;
        for id in &ids {
            lab.create(id, json!({})).await;
        }
        let rate = [
            ("CUSTOMIMAGE_AWS_BUDGET", "50"),
            ("CUSTOMIMAGE_AWS_ASSUMED_RATE", "40"),
            ("CUSTOMIMAGE_AWS_ASSUMED_BURST", "80"),
        ];
        let operator = lab.operator(&[&rate[..], &[("CUSTOMIMAGE_BUILD_LOGS", "true")]].concat()).await;
        let names: Vec<&str> = ids.iter().map(String::as_str).collect();
        for id in &names {
            lab.ready(id, "False", "BuildFailed").await;
        }
        for id in &names {
            lab.merge(id, json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "now"}}}))
                .await
                .unwrap();
        }
        eventually("each is read once more", || async {
            for id in &names {
                let handled = lab.get(id).await.status.unwrap().last_handled_reconcile_at;
                if handled.as_deref() != Some("now") {
                    return Err(format!("{id}: {handled:?}"));
                }
            }
            Ok(())
        })
        .await;
        let events = lab.aws.count("cloudformation", "DescribeStackEvents");
        assert_eq!(events, 100, "one for each stack {:#?}", lab.aws.counts());
        let (_, metrics) = operator.get("/metrics").await;
        assert!(!metrics.contains(r#"outcome="throttled""#), "{:#?}", lab.aws.counts());
    });
}

#[test]
fn without_the_right_to_read_events_everything_else_is_told() {
    run(async {
        let mut world = playing([("hpc", Outcome::Component, false)]);
        let denied =
            FaultKind::Error { status: 403, code: "AccessDenied".into(), message: "not authorized to perform".into() };
        world.faults.push(Fault::new("cloudformation", "DescribeStackEvents", denied));
        let lab = Lab::new(world).await;
        lab.create("hpc", json!({})).await;
        let _operator = lab.operator(&[("CUSTOMIMAGE_BUILD_LOGS", "true")]).await;
        until(&lab, &["hpc"], &["BuildFailed"]).await;
        let status = status(&lab.get("hpc").await);
        assert_eq!(status["failure"]["action"], "InstallPClusterPackages", "{status}");
        assert_eq!(status["failure"]["stackEvent"], Value::Null);
        let events = told(&lab, &["events", "hpc", "-n", &lab.namespace]).await;
        let words = "cloudformation:DescribeStackEvents: not authorized to perform; what to do: allow cloudformation:DescribeStackEvents in the policy of the credentials";
        assert!(events.code == 6 && events.stderr.contains(words), "{events:?}");
    });
}

#[test]
fn a_followed_log_ends_by_itself_and_an_expired_token_ends_it_with_a_code_of_its_own() {
    run(async {
        let lab = Lab::new(playing([("hpc", Outcome::Component, false)])).await;
        lab.aws.advance(Duration::from_secs(10));
        let mut following = followed(&lab);
        let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
        let mut count = 0;
        let ended = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                count += 1;
                assert!(line.starts_with("20") || line.starts_with(' '), "{line}");
            }
        };
        let advanced = async {
            loop {
                tokio::time::sleep(Duration::from_millis(300)).await;
                lab.aws.advance(Duration::from_secs(4));
            }
        };
        tokio::select! { () = ended => {} () = advanced => {} }
        assert_eq!(following.wait().await.unwrap().code(), Some(0));
        let all = told(&lab, &["logs", "-i", "hpc", "-r", REGION]).await;
        assert_eq!(all.text.lines().count(), count, "each line once");
        let mut expired = program(&lab.aws.endpoint());
        expired.env("AWS_ACCESS_KEY_ID", "ASIAEXPIRED").args(["logs", "-i", "hpc", "-r", REGION, "--follow"]);
        let expired = finish(expired).await;
        assert!(expired.code == 3 && expired.stderr.contains("expired"), "{expired:?}");
    });
}

#[test]
fn a_follow_waits_when_it_is_throttled_and_ends_with_a_code_of_its_own_when_its_token_expires() {
    run(async {
        let mut world = playing([("hpc", Outcome::Available, false)]);
        let expired = FaultKind::Error { status: 400, code: "ExpiredToken".into(), message: "it has expired".into() };
        world.faults.push(Fault::new("logs", "GetLogEvents", FaultKind::Throttle).skip(2).times(1));
        world.faults.push(Fault::new("logs", "GetLogEvents", expired).skip(4));
        let lab = Lab::new(world).await;
        lab.aws.advance(Duration::from_secs(50));
        let mut following = followed(&lab);
        let mut remarks = BufReader::new(following.stderr.take().unwrap()).lines();
        let throttled = remarks.next_line().await.unwrap().unwrap();
        assert!(throttled.contains("Rate exceeded") && throttled.ends_with("; it is read again in 10s"), "{throttled}");
        let expired = remarks.next_line().await.unwrap().unwrap();
        assert!(expired.contains("logs:GetLogEvents: it has expired"), "{expired}");
        assert_eq!(following.wait().await.unwrap().code(), Some(3));
    });
}

#[test]
fn ctrl_c_ends_a_follow_with_the_code_of_an_interruption() {
    run(async {
        let lab = Lab::new(playing([("hpc", Outcome::Available, false)])).await;
        lab.aws.advance(Duration::from_secs(50));
        let mut following = followed(&lab);
        let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
        assert!(lines.next_line().await.unwrap().is_some());
        let pid = following.id().unwrap().to_string();
        tokio::process::Command::new("kill").args(["-INT", &pid]).status().await.unwrap();
        assert_eq!(following.wait_with_output().await.unwrap().status.code(), Some(130));
    });
}

#[test]
fn credentials_of_another_account_are_refused_before_another_build_is_shown() {
    run(async {
        let lab = Lab::new(playing([("hpc", Outcome::Component, false)])).await;
        lab.create("hpc", json!({})).await;
        let operator = lab.operator(&[]).await;
        until(&lab, &["hpc"], &["BuildFailed"]).await;
        drop(operator);
        for command in ["logs", "events"] {
            let mut other = program(&lab.aws.endpoint());
            other.env("AWS_ACCESS_KEY_ID", "AKIA444455556666EXAMPLE").env("KUBECONFIG", &lab.kubeconfig);
            other.args([command, "hpc", "-n", &lab.namespace]);
            let other = finish(other).await;
            assert!(other.code == 3 && other.stderr.contains("the build is in the account 111122223333"), "{other:?}");
        }
    });
}

#[test]
fn a_kubectl_plugin_is_the_same_program_by_another_name() {
    run(async {
        let lab = Lab::new(playing([("hpc", Outcome::Component, false)])).await;
        lab.aws.advance(Duration::from_secs(120));
        let folder = tempfile::tempdir().unwrap();
        let plugin = folder.path().join("kubectl-customimage");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_customimage-operator"), &plugin).unwrap();
        let mut command = tokio::process::Command::new(&plugin);
        clean(&mut command, &lab.aws.endpoint());
        command.args(["logs", "--image-id", "hpc", "--region", REGION, "--tail", "1"]);
        let answer = finish(command).await;
        assert!(answer.code == 0 && answer.text.starts_with("20"), "{answer:?}");
        let mut help = tokio::process::Command::new(&plugin);
        let help = finish({
            help.args(["logs", "--help"]);
            help
        })
        .await;
        assert!(help.text.contains("Usage: kubectl customimage logs"), "{}", help.text);
    });
}
