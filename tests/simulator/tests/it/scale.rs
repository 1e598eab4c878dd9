//! Tests of the speed with many things and many connections.

use std::time::{Duration, Instant};

use simulator::{Build, Fault, FaultKind, Simulator, Stack, World};

use crate::client::{Client, image, manual};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_connections_are_answered_concurrently() {
    let simulator = Simulator::start(World { images: vec![image(1)], ..World::default() }).await;
    simulator.fault(Fault::new("ec2", "DescribeImages", FaultKind::Slow { millis: 200 }));
    let start = Instant::now();
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let mut client = Client::new(&simulator).await;
        asking.spawn(async move { client.describe_images("").await.0 });
    }
    assert!(asking.join_all().await.iter().all(|status| *status == 200));
    assert!(start.elapsed() < Duration::from_secs(20), "one request after the other would take 40 s");
    assert_eq!(simulator.count("ec2", "DescribeImages"), 200);
}

#[tokio::test]
async fn requests_take_milliseconds_with_ten_thousand_images_and_stacks() {
    let images = (0..10_000).map(image).collect();
    let stacks = (0..10_000).map(|number| Stack { name: format!("image-{number}"), ..Stack::default() }).collect();
    let simulator = Simulator::start(World { images, stacks, ..World::default() }).await;
    let mut client = Client::new(&simulator).await;
    let values: String =
        (0..200).map(|number| format!("&Filter.1.Value.{}=image-{}", number + 1, number * 50)).collect();
    let start = Instant::now();
    for _ in 0..20 {
        let (_, body) = client.describe_images(&format!("&Filter.1.Name=tag:parallelcluster:image_id{values}")).await;
        assert_eq!(body.matches("<imageId>").count(), 200);
        let (status, _) =
            client.ask("cloudformation", "Action=DescribeStacks&StackName=image-5000&Version=2010-05-15").await;
        assert_eq!(status, 200);
    }
    let each = start.elapsed() / 40;
    assert!(each < Duration::from_millis(250), "{each:?} per request");
}

#[tokio::test]
async fn ten_thousand_builds_end_when_the_clock_jumps() {
    let build = |number| Build { image_id: format!("image-{number}"), ..Build::default() };
    let builds = (0..10_000).map(build).collect();
    let simulator = Simulator::start(World { clock: manual(), builds, ..World::default() }).await;
    let start = Instant::now();
    simulator.advance(Duration::from_secs(60));
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    let left = simulator.world(|world| (world.builds.len(), world.images.len(), world.stacks.len()));
    assert_eq!(left, (0, 10_000, 10_000));
}
