//! Tests of the methods of `Simulator`, with HTTP requests on the other side.

use std::time::{Duration, Instant};

use simulator::{Fault, FaultKind, Simulator, World};
use tokio::net::TcpStream;

use crate::client::{Client, between, image, manual};

#[tokio::test]
async fn the_world_can_be_changed_between_two_requests() {
    let simulator = Simulator::start(World::default()).await;
    let mut client = Client::new(&simulator).await;
    assert!(!client.describe_images("").await.1.contains("<item>"));
    simulator.world(|world| world.images.push(image(7)));
    assert!(client.describe_images("").await.1.contains("<imageId>ami-00000007</imageId>"));
    assert_eq!(simulator.count("ec2", "DescribeImages"), 2);
    assert_eq!((simulator.writes(), simulator.calls()[0].status), (0, 200));
    simulator.reset_calls();
    assert_eq!(simulator.count("ec2", "DescribeImages"), 0);
}

#[tokio::test]
async fn a_manual_clock_refills_the_buckets_only_when_it_is_advanced() {
    let simulator = Simulator::start(World { clock: manual(), aws_limits: true, ..World::default() }).await;
    let mut client = Client::new(&simulator).await;
    for _ in 0..100 {
        assert_eq!(client.describe_images("").await.0, 200);
    }
    assert_eq!(client.describe_images("").await.0, 503);
    simulator.advance(Duration::from_millis(100));
    assert_eq!(
        [client.describe_images("").await.0, client.describe_images("").await.0, client.describe_images("").await.0],
        [200, 200, 503]
    );
}

#[tokio::test]
async fn faults_are_added_and_cleared() {
    let simulator = Simulator::start(World::default()).await;
    let mut client = Client::new(&simulator).await;
    simulator.fault(Fault::new("ec2", "DescribeImages", FaultKind::CutShort { percent: 50 }).times(1));
    assert!(!client.describe_images("").await.1.contains("</DescribeImagesResponse>"));
    assert!(client.describe_images("").await.1.contains("</DescribeImagesResponse>"));
    simulator.fault(Fault::new("ec2", "DescribeImages", FaultKind::Throttle));
    assert_eq!(client.describe_images("").await.0, 503);
    simulator.clear_faults();
    assert_eq!(client.describe_images("").await.0, 200);
}

#[tokio::test]
async fn dropping_the_simulator_closes_its_port_and_connections() {
    let simulator = Simulator::start(World::default()).await;
    let client = Client::new(&simulator).await;
    let host = client.host.clone();
    drop(simulator);
    let start = Instant::now();
    while TcpStream::connect(&host).await.is_ok() || !client.connection.is_closed() {
        assert!(start.elapsed() < Duration::from_secs(5), "the port is still open");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_service_that_is_not_implemented_is_refused_and_counted() {
    let simulator = Simulator::start(World::default()).await;
    let mut client = Client::new(&simulator).await;
    let (status, body) = client.ask("sns", "Action=Publish").await;
    assert_eq!((status, body.as_str()), (501, "The simulator does not implement sns.\n"));
    assert_eq!((simulator.count("sns", "Publish"), simulator.writes()), (1, 1));
}

#[test]
fn the_world_in_the_readme_is_valid() {
    let readme = include_str!("../../README.md");
    let example = between(readme, "```json\n", "```")[0];
    let mut world: World = serde_json::from_str(example).unwrap();
    world.settle().unwrap();
    assert_eq!((world.images.len(), world.stacks.len(), world.log_groups.len(), world.builds.len()), (2, 1, 1, 2));
    let again: World = serde_json::from_str(&serde_json::to_string(&world).unwrap()).unwrap();
    assert_eq!(format!("{world:?}"), format!("{again:?}"));
}
