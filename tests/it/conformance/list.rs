//! `list` compared with `pcluster list-images` in the world of all scenarios, and what only `list` does.

use super::{agreed, differences};
use crate::support::describe::{Answer, finish, program};
use crate::support::http::{Reply, Serve, reference};
use crate::support::scenario::{CALM, Scenarios, error};
use crate::support::world::{image, stack, world};
use crate::support::{oracle, run};
use serde_json::{Value, json};
use simulator::{Fault, FaultKind, Simulator, Tag, World};

/// `list --region CALM` with these further arguments.
async fn list(simulator: &Simulator, arguments: &[&str]) -> Answer {
    let mut command = program(&simulator.endpoint());
    command.args(["list", "--region", CALM, "--aws-max-attempts", "1"]).args(arguments);
    finish(command).await
}

async fn text(simulator: &Simulator, arguments: &[&str]) -> String {
    let mut command = program(&simulator.endpoint());
    let output = command.args(["list", "--region", CALM]).args(arguments).output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Sorted for a comparison, because the official program keeps the order of AWS.
fn sorted(mut images: Vec<Value>) -> Vec<Value> {
    images.sort_by_key(Value::to_string);
    images
}

fn images(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.code, 0, "{answer:?}");
    answer.body["images"].as_array().unwrap().clone()
}

/// The world of the scenarios, with more stacks and AMIs that a list must omit or keep.
fn scenarios() -> World {
    let mut scenarios = Scenarios::new();
    agreed::collect(&mut scenarios);
    differences::collect(&mut scenarios);
    let mut world = scenarios.world;
    let mut nested = stack("nested", CALM, "CREATE_IN_PROGRESS");
    nested.parent_id = Some("arn:aws:cloudformation:eu-west-1:111122223333:stack/parent/1".into());
    let mut cluster = stack("cluster", CALM, "CREATE_FAILED");
    cluster.tags.retain(|tag| tag.key != "parallelcluster:image_id");
    let mut other_name = stack("other-name", CALM, "CREATE_FAILED");
    other_name.name = "not-the-image-id".into();
    let mut nameless = stack("nameless", CALM, "CREATE_FAILED");
    retag(&mut nameless.tags, "image_id", "");
    let mut versionless = stack("versionless", CALM, "CREATE_IN_PROGRESS");
    retag(&mut versionless.tags, "version", "");
    world.stacks.extend([nested, cluster, other_name, nameless, versionless]);
    let mut nameless = image("nameless", CALM);
    retag(&mut nameless.tags, "image_id", "");
    let mut unfinished = image("unfinished", CALM);
    retag(&mut unfinished.tags, "build_status", "pending");
    world.images.extend([nameless, unfinished]);
    world.answers.stack_page_size = 7;
    world.answers.image_page_size = 5;
    world
}

fn retag(tags: &mut [Tag], key: &str, value: &str) {
    let key = format!("parallelcluster:{key}");
    tags.iter_mut().filter(|tag| tag.key == key).for_each(|tag| tag.value = value.into());
}

#[test]
fn each_status_lists_the_same_images_as_the_official_program_on_all_pages() {
    run(async {
        let world = scenarios();
        let is_available = |ami_id: &str| {
            world.images.iter().any(|image| image.ami_id == ami_id && image.state.as_deref() == Some("available"))
        };
        let simulator = Simulator::start(world.clone()).await;
        let mut of_all = Vec::new();
        for (status, at_least) in [("AVAILABLE", 10), ("PENDING", 2), ("FAILED", 5)] {
            let mut reference = sorted(oracle::list(&simulator.endpoint(), status, CALM).await);
            // A deliberate difference: for us, AVAILABLE means that the AMI itself is available.
            reference.retain(|image| image["ec2AmiInfo"]["amiId"].as_str().is_none_or(is_available));
            assert!(reference.len() >= at_least, "{status}: {}", reference.len());
            of_all.extend(reference.clone());
            let ours = images(&list(&simulator, &["--output", "json", "--image-status", status]).await);
            assert_eq!(sorted(ours), reference, "{status}");
        }
        let statuses = ["--output", "json", "--image-status", "available,PENDING,failed"];
        assert_eq!(sorted(images(&list(&simulator, &statuses).await)), sorted(of_all), "several statuses");
        assert_eq!(simulator.writes(), 0);
    });
}

/// The images of all pages.
async fn all_pages(status: &str, ask: impl AsyncFn(&str) -> Reply) -> Vec<Value> {
    let (mut token, mut images) = (String::new(), Vec::new());
    loop {
        let reply = ask(&format!("/v3/images/custom?imageStatus={status}&region={CALM}&nextToken={token}")).await;
        assert_eq!(reply.code, 200, "{reply:?}");
        images.extend(reply.body["images"].as_array().unwrap().clone());
        match reply.body["nextToken"].as_str() {
            Some(next) => token = next.to_owned(),
            None => return images,
        }
    }
}

#[test]
fn serve_lists_the_same_images_as_the_official_server_on_all_pages() {
    run(async {
        let simulator = Simulator::start(scenarios()).await;
        let endpoint = simulator.endpoint();
        let serve = Serve::start(&endpoint, &["--region", CALM]).await;
        for (status, at_least) in [("AVAILABLE", 10), ("PENDING", 2), ("FAILED", 5)] {
            let mut theirs = all_pages(status, async |path| reference(&endpoint, "GET", path).await).await;
            // A deliberate difference: the version is empty and not missing.
            theirs.iter_mut().filter(|image| image["version"].is_null()).for_each(|image| image["version"] = "".into());
            assert!(theirs.len() >= at_least, "{status}: {}", theirs.len());
            let ours = all_pages(status, async |path| serve.get(path).await).await;
            assert_eq!(sorted(ours), sorted(theirs), "{status}");
        }
        assert_eq!(simulator.writes(), 0);
    });
}

#[test]
fn without_a_status_all_images_are_listed_in_a_stable_order() {
    run(async {
        let mut world = scenarios();
        world.answers.shuffle = true;
        world.answers.empty_pages = true;
        let simulator = Simulator::start(world).await;
        let all = images(&list(&simulator, &["--output", "json"]).await);
        assert_eq!(images(&list(&simulator, &["--output", "json"]).await), all, "whatever order AWS answers in");
        let of_statuses =
            images(&list(&simulator, &["--output", "json", "--image-status", "available,PENDING,failed"]).await);
        let others: Vec<_> = all.iter().filter(|image| !of_statuses.contains(image)).collect();
        assert!(others.iter().any(|image| image["cloudformationStackStatus"] == "DELETE_IN_PROGRESS"), "{others:?}");
        assert!(!all.iter().any(|image| image["imageId"] == "nested" || image["imageId"] == "cluster"));
    });
}

#[test]
fn manifests_contain_each_image_once_and_the_table_each_ami_and_stack() {
    run(async {
        let mut world = world(CALM);
        let mut older = image("hpc", CALM);
        older.ami_id = "ami-0older".into();
        let long = "long".repeat(32);
        world.images.extend([image("hpc", CALM), older, image("Yes", CALM), image(&long, CALM)]);
        world.stacks.push(stack("on", CALM, "DELETE_IN_PROGRESS"));
        let mut unnameable = image("x", CALM);
        retag(&mut unnameable.tags, "image_id", "no id");
        world.images.push(unnameable);
        let simulator = Simulator::start(world).await;
        let manifests = text(&simulator, &["--output", "manifests", "--identity", "research"]).await;
        let read: Vec<Value> = manifests.split("---\n").map(|one| serde_saphyr::from_str(one).unwrap()).collect();
        let spec = |index: usize| &read[index]["spec"];
        let expected = |id: &str| json!({"imageId": id, "region": CALM, "identity": "research"});
        assert_eq!([spec(0), spec(1), spec(2), spec(3)], ["Yes", "hpc", &long, "on"].map(expected).each_ref());
        assert_eq!(read.len(), 4, "{manifests}");
        assert!(manifests.contains(&format!("  imageId: {long}\n")), "a long id is not wrapped: {manifests}");
        // kubectl reads YAML 1.1, where these words are booleans.
        for quoted in ["imageId: \"Yes\"", "imageId: \"on\"", "name: \"on\""] {
            assert!(manifests.replace('\'', "\"").contains(quoted), "{quoted} is not in {manifests}");
        }
        let table = text(&simulator, &[]).await;
        assert_eq!(table.lines().count(), 7, "{table}");
        assert!(table.lines().any(|line| line.starts_with("hpc") && line.contains("ami-0older")), "{table}");
    });
}

#[test]
fn an_incomplete_list_is_an_error_and_prints_nothing_that_could_be_applied() {
    run(async {
        let mut world = scenarios();
        world.faults.clear();
        world.faults.push(Fault::new("cloudformation", "DescribeStacks", FaultKind::Reset).skip(1));
        let simulator = Simulator::start(world).await;
        for output in ["manifests", "table"] {
            let mut command = program(&simulator.endpoint());
            command.args(["list", "--region", CALM, "--aws-max-attempts", "1", "--output", output]);
            let ended = command.output().await.unwrap();
            let stderr = String::from_utf8(ended.stderr).unwrap();
            assert_eq!((ended.status.code(), ended.stdout.len(), stderr.lines().count()), (Some(1), 0, 1), "{stderr}");
            assert!(stderr.contains("cloudformation:DescribeStacks"), "{stderr}");
        }
    });
}

#[test]
fn errors_match_the_official_program_and_a_denied_list_of_stacks_names_the_permission() {
    run(async {
        let mut world = scenarios();
        world.faults.clear();
        let simulator = Simulator::start(world).await;
        let throttled = FaultKind::Throttle;
        let broken = error(500, "InternalFailure", "something broke");
        for (service, operation, status, kind) in [
            ("ec2", "DescribeImages", "AVAILABLE", throttled),
            ("ec2", "DescribeImages", "AVAILABLE", broken),
            ("cloudformation", "DescribeStacks", "FAILED", error(500, "InternalFailure", "something broke")),
        ] {
            simulator.fault(Fault::new(service, operation, kind));
            let ours = list(&simulator, &["--output", "json", "--image-status", status]).await;
            let reference = oracle::list_page(&simulator.endpoint(), status, CALM, None).await;
            assert_eq!((ours.code != 0, ours.body), (reference.code != 0, reference.body), "{operation}");
            simulator.clear_faults();
        }
        let denied = error(403, "AccessDenied", "User is not authorized to perform: cloudformation:DescribeStacks");
        simulator.fault(Fault::new("cloudformation", "DescribeStacks", denied));
        let refused = list(&simulator, &[]).await;
        assert!(refused.code == 6 && refused.stderr.contains("cloudformation:ListStacks"), "{refused:?}");
        let available = list(&simulator, &["--output", "json", "--image-status", "AVAILABLE"]).await;
        assert!(images(&available).len() > 10, "AVAILABLE needs no stacks");
    });
}

#[test]
fn an_account_without_images_and_an_invalid_command_line_are_reported() {
    run(async {
        let simulator = Simulator::start(World::default()).await;
        let empty = list(&simulator, &["--output", "json"]).await;
        assert_eq!((empty.code, empty.body), (0, json!({"images": []})));
        for output in ["manifests", "table"] {
            let empty = list(&simulator, &["--output", output]).await;
            assert!(empty.code == 0 && empty.stderr.contains("no images in eu-west-1"), "{empty:?}");
        }
        for wrong in [&["--image-status", "DONE"][..], &["--identity", "research"], &["--identity", "Research"]] {
            assert_eq!(list(&simulator, wrong).await.code, 2, "{wrong:?}");
        }
    });
}
