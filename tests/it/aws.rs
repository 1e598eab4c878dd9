use crate::support::describe::{Answer, describe, finish, program};
use crate::support::lab::Lab;
use crate::support::run;
use crate::support::scenario::error;
use crate::support::world::{ami_id, build, image, stack, world};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use customimage_operator::aws::{self, Aws, ClientSettings, IgnoreCalls};
use customimage_operator::describe_image::observe::observe;
use customimage_operator::describe_image::{ImageId, Observation, Region, Scope};
use simulator::{Fault, FaultKind, Simulator, World};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;

const REGION: &str = "eu-west-1";

/// A world with one image, `hpc`, that is being built.
fn building() -> World {
    let mut world = world(REGION);
    world.stacks.push(stack("hpc", REGION, "CREATE_IN_PROGRESS"));
    world.image_build_versions.push(build("hpc", REGION, "BUILDING"));
    world
}

/// The AWS adapter, with the simulator as its endpoint.
async fn adapter(simulator: &Simulator) -> Aws {
    let settings = ClientSettings {
        connect_timeout: Duration::from_secs(3),
        attempt_timeout: Duration::from_secs(5),
        operation_timeout: Duration::from_secs(20),
        max_attempts: 3,
        trusted_ca: None,
    };
    let keys = Credentials::new("AKIA111122223333EXAMPLE", "secret", None, None, "test");
    let base = aws::load(&settings, None).await.to_builder().endpoint_url(simulator.endpoint());
    let base = base.credentials_provider(SharedCredentialsProvider::new(keys)).build();
    Aws::new(base, Arc::new(IgnoreCalls))
}

fn scope() -> Scope {
    Scope::default_identity(Region::parse(REGION).unwrap())
}

#[test]
fn a_thousand_images_are_read_in_one_list_and_200_in_one_batch_despite_empty_pages_and_shuffling() {
    run(async {
        let mut world = world(REGION);
        world.answers.image_page_size = 70;
        world.answers.empty_pages = true;
        world.answers.shuffle = true;
        let ids: Vec<ImageId> = (0..1000).map(|n| ImageId::parse(&format!("img-{n}")).unwrap()).collect();
        world.images.extend(ids.iter().map(|id| image(id.as_str(), REGION)));
        let simulator = Simulator::start(world).await;
        let aws = adapter(&simulator).await;
        for (ids, most_values) in [(&ids[..], 1), (&ids[..200], 200)] {
            let answers = observe(&aws, &scope(), ids).await;
            assert_eq!(answers.len(), ids.len());
            for (id, answer) in answers {
                let Ok(Observation::Ami { ami, .. }) = answer else { panic!("{id}: {answer:?}") };
                assert_eq!(ami.id, Some(ami_id(id.as_str())));
            }
            assert_eq!(simulator.max_filter_values(), most_values);
        }
        assert_eq!(simulator.count("cloudformation", "DescribeStacks"), 0);
        assert_eq!(simulator.writes(), 0);
    });
}

#[test]
fn the_image_build_arn_of_a_stack_is_read_once() {
    run(async {
        let simulator = Simulator::start(building()).await;
        let aws = adapter(&simulator).await;
        let ids = [ImageId::parse("hpc").unwrap()];
        for _ in 0..3 {
            assert!(matches!(
                observe(&aws, &scope(), &ids).await[0].1,
                Ok(Observation::Stack { image_build: Some(_), .. })
            ));
        }
        assert_eq!(simulator.count("cloudformation", "DescribeStackResource"), 1);
        assert_eq!(simulator.count("imagebuilder", "GetImage"), 3);
    });
}

/// The SDK would read these replies as an empty list, or as a stack that was created in 1970.
#[test]
fn a_truncated_reply_is_an_error_and_not_a_missing_image() {
    run(async {
        for (service, operation) in [("ec2", "DescribeImages"), ("cloudformation", "DescribeStacks")] {
            for kind in [
                FaultKind::CutShort { percent: 60 },
                FaultKind::CutShort { percent: 95 },
                FaultKind::EmptyBody,
                FaultKind::ResetMidBody,
                FaultKind::Reset,
            ] {
                let mut world = building();
                world.images.push(image("other", REGION));
                world.faults.push(Fault::new(service, operation, kind.clone()));
                let simulator = Simulator::start(world).await;
                let answer = describe(&simulator.endpoint(), "hpc", REGION).await;
                let message = answer.body["message"].as_str().unwrap_or_default();
                assert!(
                    answer.code == 1 && message.starts_with("Unable to get image hpc, due to"),
                    "{operation} {kind:?}: {answer:?}"
                );
                assert_eq!(simulator.count(service, operation), 2, "{kind:?} is retried");
            }
        }
    });
}

#[test]
fn a_truncated_error_reply_does_not_mean_that_the_stack_is_missing() {
    run(async {
        let body =
            "<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack with id hpc does not exist</Message>";
        let kind = FaultKind::ReplaceBody { status: 400, body: body.into(), content_type: "text/xml".into() };
        let mut world = world(REGION);
        world.faults.push(Fault::new("cloudformation", "DescribeStacks", kind));
        let simulator = Simulator::start(world).await;
        let answer = describe(&simulator.endpoint(), "hpc", REGION).await;
        assert!(answer.body["message"].as_str().unwrap().contains("cut short"), "{answer:?}");
    });
}

#[test]
fn a_truncated_image_builder_reply_omits_its_fields_and_is_named_on_stderr() {
    run(async {
        for kind in [FaultKind::CutShort { percent: 50 }, FaultKind::EmptyBody] {
            let mut world = building();
            world.faults.push(Fault::new("imagebuilder", "GetImage", kind));
            let simulator = Simulator::start(world).await;
            let answer = describe(&simulator.endpoint(), "hpc", REGION).await;
            assert_eq!(answer.body.get("imagebuilderImageStatus"), None);
            assert!(answer.code == 0 && answer.stderr.contains("imagebuilder:GetImage"), "{answer:?}");
        }
    });
}

#[test]
fn a_throttled_call_of_each_service_is_retried() {
    run(async {
        for (service, operation) in [
            ("ec2", "DescribeImages"),
            ("cloudformation", "DescribeStacks"),
            ("cloudformation", "DescribeStackResource"),
            ("imagebuilder", "GetImage"),
        ] {
            let mut world = building();
            world.faults.push(Fault::new(service, operation, FaultKind::Throttle).times(1));
            let simulator = Simulator::start(world).await;
            let answer = describe(&simulator.endpoint(), "hpc", REGION).await;
            assert_eq!(answer.body["imagebuilderImageStatus"], "BUILDING", "{operation}: {answer:?}");
            assert_eq!(simulator.count(service, operation), 2);
        }
    });
}

#[test]
fn each_throttling_error_code_is_retried() {
    let own = ["CallRateLimitExceededException", "RequestLimitExceeded", "Throttling", "SlowDown"];
    for code in aws_runtime::retries::classifiers::THROTTLING_ERRORS.iter().copied().chain(own) {
        let mut world = building();
        let fault = Fault::new("imagebuilder", "GetImage", error(400, code, "slow down"));
        world.faults.push(fault.times(1));
        run(async {
            let simulator = Simulator::start(world).await;
            let observed = observe(&adapter(&simulator).await, &scope(), &[ImageId::parse("hpc").unwrap()]).await;
            assert!(
                matches!(&observed[0].1, Ok(Observation::Stack { image_build: Some(_), refused: None, .. })),
                "{code}"
            );
            assert_eq!(simulator.count("imagebuilder", "GetImage"), 2, "{code}");
        });
    }
}

#[test]
fn a_slow_service_fails_after_the_timeout() {
    run(async {
        let mut world = building();
        world.faults.push(Fault::new("ec2", "DescribeImages", FaultKind::Slow { millis: 60_000 }));
        let simulator = Simulator::start(world).await;
        let mut command = program(&simulator.endpoint());
        command.args(["describe", "-i", "hpc", "-r", REGION]);
        command.args(["--aws-attempt-timeout", "200ms", "--aws-operation-timeout", "500ms", "--aws-max-attempts", "2"]);
        let answer = tokio::time::timeout(Duration::from_secs(10), finish(command)).await.expect("no answer");
        assert!(answer.code == 1 && answer.body["message"].as_str().unwrap().contains("time"), "{answer:?}");
    });
}

#[test]
fn missing_and_expired_credentials_are_reported() {
    run(async {
        let simulator = Simulator::start(building()).await;
        let mut none = program(&simulator.endpoint());
        none.args(["describe", "-i", "hpc", "-r", REGION]).env_remove("AWS_ACCESS_KEY_ID");
        let answer = finish(none).await;
        assert_eq!(answer.body["message"], "Unable to get image hpc, due to Unable to locate credentials.");
        let mut expired = program(&simulator.endpoint());
        expired.args(["describe", "-i", "hpc", "-r", REGION]).env("AWS_ACCESS_KEY_ID", "ASIAEXPIRED111122223333");
        let answer = finish(expired).await;
        assert!(answer.code == 3 && answer.body["message"].as_str().unwrap().contains("expired"), "{answer:?}");
    });
}

#[test]
fn describe_writes_nothing_and_sends_its_app_name_in_the_user_agent() {
    run(async {
        let mut world = building();
        world.images.push(image("done", REGION));
        let simulator = Simulator::start(world).await;
        for id in ["hpc", "done", "unknown"] {
            describe(&simulator.endpoint(), id, REGION).await;
        }
        assert_eq!(simulator.writes(), 0);
        assert_eq!(simulator.count("sts", "GetCallerIdentity"), 0);
        let agents = simulator.user_agents();
        assert!(
            !agents.is_empty() && agents.iter().all(|agent| agent.contains("app/customimage-operator")),
            "{agents:?}"
        );
    });
}

/// Nothing listens at the proxy's address, so a call fails if and only if it goes through the proxy.
#[test]
fn http_proxy_is_used_unless_no_proxy_contains_the_host() {
    run(async {
        let simulator = Simulator::start(building()).await;
        let through = |no_proxy: &'static str| {
            let mut command = program(&simulator.endpoint());
            command.args(["describe", "-i", "hpc", "-r", REGION, "--aws-max-attempts", "1"]);
            command
                .env("HTTP_PROXY", "http://127.0.0.1:9")
                .env("HTTPS_PROXY", "http://127.0.0.1:9")
                .env("NO_PROXY", no_proxy);
            finish(command)
        };
        assert_eq!(through("").await.code, 1);
        assert_eq!(simulator.calls().len(), 0);
        assert_eq!(through("127.0.0.1").await.code, 0);
    });
}

#[test]
fn describe_works_in_partitions_other_than_aws() {
    run(async {
        for region in ["cn-north-1", "us-gov-west-1", "eusc-de-east-1"] {
            let mut world = world(region);
            world.images.push(image("hpc", region));
            let simulator = Simulator::start(world).await;
            let answer = describe(&simulator.endpoint(), "hpc", region).await;
            assert_eq!(answer.body["region"], region, "{answer:?}");
        }
    });
}

#[test]
fn an_exhausted_retry_budget_in_one_region_does_not_affect_another() {
    run(async {
        let mut world = building();
        let mut fault = Fault::new("ec2", "DescribeImages", error(503, "RequestLimitExceeded", "slow down"));
        fault.region = Some("us-east-1".into());
        world.faults.push(fault);
        let simulator = Simulator::start(world).await;
        let aws = adapter(&simulator).await;
        let ids = [ImageId::parse("hpc").unwrap()];
        let throttled = Scope::default_identity(Region::parse("us-east-1").unwrap());
        assert!(observe(&aws, &throttled, &ids).await[0].1.is_err());
        assert!(observe(&aws, &scope(), &ids).await[0].1.is_ok());
    });
}

/// The lab's API server stands in for AWS. Its certificate is from a CA that is not in the system's trust store.
#[test]
fn a_private_ca_is_trusted_when_aws_ca_bundle_names_it() {
    run(async {
        let lab = Lab::empty().await;
        let ask = |bundle: Option<PathBuf>| {
            let mut command = program(&lab.server);
            command.args(["describe", "-i", "hpc", "-r", REGION, "--aws-max-attempts", "1"]);
            command.envs(bundle.map(|path| ("AWS_CA_BUNDLE", path)));
            finish(command)
        };
        let message = |answer: Answer| answer.body["message"].as_str().unwrap_or_default().to_owned();
        let untrusted = message(ask(None).await);
        assert!(untrusted.contains("certificate"), "{untrusted}");
        let trusted = message(ask(Some(lab.ca.clone())).await);
        assert!(!trusted.contains("certificate") && trusted.starts_with("Unable to get image hpc"), "{trusted}");
    });
}

#[test]
fn https_requests_use_connect_on_the_proxy() {
    run(async {
        let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", proxy.local_addr().unwrap());
        let mut command = program("https://ec2.eu-west-1.example.invalid");
        command.args(["describe", "-i", "hpc", "-r", REGION, "--aws-max-attempts", "1"]).env("HTTPS_PROXY", url);
        let first_line = async {
            let (stream, _) = proxy.accept().await.unwrap();
            let mut line = String::new();
            BufReader::new(stream).read_line(&mut line).await.unwrap();
            line
        };
        let (line, answer) = tokio::join!(first_line, finish(command));
        assert!(line.starts_with("CONNECT ec2.eu-west-1.example.invalid:443"), "{line}");
        assert_eq!(answer.code, 1);
    });
}
