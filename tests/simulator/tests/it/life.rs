//! Tests of image builds that run by the clock.

use std::time::Duration;

use simulator::{Build, Simulator, World};

use crate::client::{Client, manual};

#[tokio::test]
async fn a_build_advances_with_the_clock() {
    let builds = vec![Build { image_id: "img".into(), seconds: 100.0, ..Build::default() }];
    let simulator = Simulator::start(World { clock: manual(), builds, ..World::default() }).await;
    let mut client = Client::new(&simulator).await;
    let stack = "Action=DescribeStacks&Version=2010-05-15&StackName=img";
    assert!(client.ask("cloudformation", stack).await.1.contains("<StackStatus>CREATE_IN_PROGRESS<"));
    simulator.advance(Duration::from_secs(96));
    assert!(client.ask("cloudformation", stack).await.1.contains("<StackStatus>DELETE_IN_PROGRESS<"));
    simulator.advance(Duration::from_secs(4));
    assert_eq!(client.ask("cloudformation", stack).await.0, 400);
    assert!(
        client.describe_images("").await.1.contains("<key>parallelcluster:build_status</key><value>available</value>")
    );
}

#[tokio::test]
async fn a_build_added_later_starts_from_that_moment() {
    let simulator = Simulator::start(World { clock: manual(), ..World::default() }).await;
    simulator.advance(Duration::from_secs(1000));
    let build = Build { image_id: "img".into(), starts_after: 5.0, seconds: 100.0, ..Build::default() };
    simulator.world(|world| world.builds.push(build));
    assert_eq!(simulator.world(|world| world.stacks.len()), 0);
    simulator.advance(Duration::from_secs(5));
    assert_eq!(simulator.world(|world| world.stacks.len()), 1);
}

#[tokio::test]
async fn an_image_built_again_has_a_second_stack() {
    let build = |starts_after| Build { image_id: "img".into(), starts_after, seconds: 100.0, ..Build::default() };
    let builds = vec![build(0.0), build(200.0)];
    let simulator = Simulator::start(World { clock: manual(), builds, ..World::default() }).await;
    simulator.advance(Duration::from_secs(250));
    let statuses =
        simulator.world(|world| world.stacks.iter().map(|stack| stack.status.clone().unwrap()).collect::<Vec<_>>());
    assert_eq!(statuses, ["DELETE_COMPLETE", "CREATE_IN_PROGRESS"]);
}
