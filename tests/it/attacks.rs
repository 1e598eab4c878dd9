//! What attacks make a neighbour wait and the operator hold: its memory before, during and after each of them. These take minutes: `make extra`.

use crate::support::lab::{Lab, REGION, condition_of};
use crate::support::operator::Operator;
use crate::support::run;
use crate::support::scenario::error;
use crate::support::world::{build, image, stack, world};
use customimage_operator::kubernetes::CustomImage;
use futures::stream::{self, StreamExt};
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use serde_json::json;
use simulator::{Fault, Tag};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// More than this above the rest is too much during an attack, in MiB.
const DURING: f64 = 128.0;

/// More than this above the rest is too much when an attack is over, in MiB.
const AFTER: f64 = 10.0;

/// Objects that the operator holds at rest.
const AT_REST: usize = 100;

/// The settings of a release.
const USUAL: [(&str, &str); 8] = [
    ("CUSTOMIMAGE_IN_PROGRESS_INTERVAL", "30s"),
    ("CUSTOMIMAGE_SETTLED_INTERVAL", "600s"),
    ("CUSTOMIMAGE_ABSENT_INTERVAL", "60s"),
    ("CUSTOMIMAGE_ABSENT_INTERVAL_MAX", "600s"),
    ("CUSTOMIMAGE_ERROR_INTERVAL", "5s"),
    ("CUSTOMIMAGE_ERROR_INTERVAL_MAX", "600s"),
    ("CUSTOMIMAGE_AWS_BUDGET", "25"),
    ("CUSTOMIMAGE_AWS_ASSUMED_RATE", "5"),
];

/// An operator at rest with a hundred objects.
async fn at_rest() -> (Lab, Operator) {
    let mut world = world(REGION);
    world.images.extend((0..AT_REST).map(|number| image(&format!("rest-{number}"), REGION)));
    let lab = Lab::new(world).await;
    create(&lab, "rest", AT_REST, |number| (format!("rest-{number}"), json!({}))).await;
    let operator = lab.operator(&USUAL).await;
    for number in [0, AT_REST - 1] {
        lab.ready(&format!("rest-{number}"), "True", "ImageAvailable").await;
    }
    (lab, operator)
}

/// Creates objects, thirty at once. `of` gives the image id and the spec of each.
async fn create(lab: &Lab, prefix: &str, count: usize, of: impl Fn(usize) -> (String, serde_json::Value)) {
    let objects = (0..count).map(|number| (format!("{prefix}-{number}"), of(number)));
    stream::iter(objects)
        .for_each_concurrent(30, |(name, (id, spec))| async move {
            lab.try_create(&name, &id, spec).await.unwrap();
        })
        .await;
}

/// Deletes all objects but those of the rest.
async fn clean_up(lab: &Lab) {
    let all = lab.images().list(&ListParams::default()).await.unwrap();
    let names = all.items.into_iter().filter_map(|object| object.metadata.name);
    stream::iter(names.filter(|name| !name.starts_with("rest-")))
        .for_each_concurrent(30, |name| async move {
            lab.images().delete(&name, &DeleteParams::default()).await.unwrap();
        })
        .await;
}

/// Runs `attack` for `time` after it began, and asserts how much memory it takes and leaves.
async fn assert_memory(name: &str, time: u64, lab: &Lab, operator: &Operator, attack: impl Future<Output = ()>) {
    let rest = operator.memory();
    let mut most = rest;
    let began = Instant::now();
    let watched = async {
        loop {
            most = operator.memory().max(most);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let attack = async {
        attack.await;
        let left = Duration::from_secs(time).saturating_sub(began.elapsed());
        tokio::time::sleep(left).await;
    };
    tokio::select! { () = watched => {} () = attack => {} }
    clean_up(lab).await;
    // The operator forgets deleted objects at once, but what it kept for them is given back once a minute.
    let freed = Instant::now();
    while operator.memory() > rest + AFTER && freed.elapsed() < Duration::from_secs(90) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let after = operator.memory();
    println!("{name}: rest {rest:.0} MiB, most {:.0} above it, then {:.0}", most - rest, after - rest);
    assert!(most - rest < DURING, "{name}: {:.0} MiB above the rest", most - rest);
    assert!(after - rest <= AFTER, "{name}: {:.0} MiB above the rest when it is over", after - rest);
}

#[test]
#[ignore = "takes minutes: make extra"]
fn thousands_of_absent_images_and_long_requests_take_a_bounded_memory() {
    run(async {
        let (lab, operator) = at_rest().await;
        assert_memory("5,000 absent images", 60, &lab, &operator, async {
            create(&lab, "absent", 5000, |number| (format!("absent-{number}"), json!({}))).await;
        })
        .await;
        assert_memory("requests of 250 kB on 600 objects", 60, &lab, &operator, async {
            create(&lab, "long", 600, |number| (format!("absent-{number}"), json!({}))).await;
            for number in 0..600 {
                let long = json!({"reconcile.fluxcd.io/requestedAt": "x".repeat(250_000)});
                lab.merge(&format!("long-{number}"), json!({"metadata": {"annotations": long}})).await.unwrap();
            }
        })
        .await;
    });
}

/// The seconds until a new object of a neighbour has this reason.
async fn wait(neighbour: &Api<CustomImage>, id: &str, reason: &str) -> f64 {
    let object: CustomImage = serde_json::from_value(json!({
        "apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage", "metadata": {"name": id}, "spec": {"imageId": id}
    }))
    .unwrap();
    let began = Instant::now();
    neighbour.create(&PostParams::default(), &object).await.unwrap();
    while condition_of(&neighbour.get(id).await.unwrap(), "Ready").is_none_or(|(_, now)| now != reason) {
        assert!(began.elapsed() < Duration::from_secs(120), "{id} has waited too long");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    began.elapsed().as_secs_f64()
}

#[test]
#[ignore = "takes minutes: make extra"]
fn a_neighbour_of_a_busy_namespace_is_answered_within_seconds() {
    run(async {
        let mut world = world(REGION);
        for number in 0..4 {
            let building = format!("building-{number}");
            world.stacks.push(stack(&building, REGION, "CREATE_IN_PROGRESS"));
            world.image_build_versions.push(build(&building, REGION, "BUILDING"));
            world.images.push(image(&format!("there-{number}"), REGION));
        }
        // A sweep of stacks takes many calls.
        world.stacks.extend((0..2000).map(|number| stack(&format!("other-{number}"), REGION, "CREATE_FAILED")));
        let lab = Lab::new(world).await;
        let namespace = lab.another_namespace(json!({})).await;
        let both = format!("{},{namespace}", lab.namespace);
        let settings: Vec<_> = USUAL.into_iter().chain([("CUSTOMIMAGE_NAMESPACE", both.as_str())]).collect();
        let _operator = lab.operator(&settings).await;
        let neighbour = Api::namespaced(lab.client.clone(), &namespace);
        let attack = create(&lab, "absent", 2000, |number| (format!("absent-{number}"), json!({})));
        let waits = async {
            for number in 0..4 {
                tokio::time::sleep(Duration::from_secs(10)).await;
                let available = wait(&neighbour, &format!("there-{number}"), "ImageAvailable").await;
                let absent = wait(&neighbour, &format!("missing-{number}"), "NotFound").await;
                let building = wait(&neighbour, &format!("building-{number}"), "Building").await;
                println!("available {available:.1} s, absent {absent:.1} s, building {building:.1} s");
                assert!(available <= 5.0 && absent <= 5.0 && building <= 8.0);
            }
        };
        tokio::join!(attack, waits);
    });
}

#[test]
#[ignore = "takes minutes: make extra"]
fn invented_regions_take_a_bounded_memory() {
    run(async {
        let (lab, operator) = at_rest().await;
        assert_memory("2,000 names of regions", 60, &lab, &operator, async {
            let letter = |number: usize| char::from(b'a' + u8::try_from(number % 26).unwrap());
            let region = |n: usize| format!("us-{}{}{}-1", letter(n / 676), letter(n / 26), letter(n));
            create(&lab, "region", 2000, |number| ("hpc".to_owned(), json!({"region": region(number)}))).await;
        })
        .await;
    });
}

#[test]
#[ignore = "takes minutes: make extra"]
fn long_replies_of_aws_take_a_bounded_memory() {
    run(async {
        let (lab, operator) = at_rest().await;
        assert_memory("403 with a message of 1 MB for 400 objects", 60, &lab, &operator, async {
            let said = error(403, "UnauthorizedOperation", &"no ".repeat(350_000));
            lab.aws.world(|world| world.faults.push(Fault::new("ec2", "DescribeImages", said)));
            create(&lab, "denied", 400, |number| (format!("denied-{number}"), json!({}))).await;
        })
        .await;
        lab.aws.world(|world| world.faults.clear());
        assert_memory("20 AMIs with a tag of 10 MB each", 60, &lab, &operator, async {
            lab.aws.world(|world| {
                for number in 0..20 {
                    let mut large = image(&format!("large-{number}"), REGION);
                    large.tags.push(Tag { key: "note".into(), value: "x".repeat(10_000_000) });
                    world.images.push(large);
                }
            });
            create(&lab, "large", 20, |number| (format!("large-{number}"), json!({}))).await;
        })
        .await;
    });
}

#[test]
#[ignore = "takes minutes: make extra"]
fn clients_of_the_port_take_a_bounded_memory() {
    run(async {
        let (lab, operator) = at_rest().await;
        for (name, bytes) in [
            ("5,000 half requests", "GET /metrics HTTP/1.1\r\nx: ".to_owned()),
            ("5,000 requests with 390 kB of header", format!("GET /metrics HTTP/1.1\r\nx: {}", "a".repeat(390_000))),
        ] {
            assert_memory(name, 20, &lab, &operator, async {
                stream::iter(0..5000)
                    .for_each_concurrent(300, |_| async {
                        // The operator may close the connection at any moment.
                        if let Ok(mut half) = TcpStream::connect(&operator.address).await {
                            let _ = half.write_all(bytes.as_bytes()).await;
                            tokio::time::sleep(Duration::from_millis(200)).await;
                        }
                    })
                    .await;
            })
            .await;
            assert_eq!(operator.get("/livez").await.0, 200);
        }
    });
}
