//! Resources of a simulated AWS. Each field has its own value, so that a test notices two swapped fields.

use simulator::{Bucket, Build, ClockMode, Image, ImageBuildVersion, Outcome, Stack, StackResource, Tag, World};

pub const ACCOUNT: &str = "111122223333";
pub const VERSION: &str = "3.16.1";

/// The tags that ParallelCluster gives an image's resources.
pub fn tags(id: &str) -> Vec<Tag> {
    vec![
        Tag::new("parallelcluster:version", VERSION),
        Tag::new("parallelcluster:image_id", id),
        Tag::new(
            "parallelcluster:build_log",
            format!("arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/aws/imagebuilder/ParallelClusterImage-{id}"),
        ),
        Tag::new("parallelcluster:s3_bucket", "config-bucket"),
        Tag::new("parallelcluster:s3_image_dir", format!("parallelcluster/{VERSION}/images/{id}-x1y2")),
        Tag::new("team", "hpc <&> \"ops\""),
    ]
}

/// An AMI that ParallelCluster tagged as available.
pub fn image(id: &str, region: &str) -> Image {
    let mut tags = tags(id);
    tags.push(Tag::new("parallelcluster:build_status", "available"));
    Image {
        region: region.into(),
        ami_id: ami_id(id),
        name: Some(format!("name-of-{id}")),
        description: Some(format!("description of {id}")),
        architecture: Some("arm64".into()),
        creation_date: Some("2025-02-03T04:05:06.789Z".into()),
        tags,
        ..Image::default()
    }
}

/// An AMI id that is derived from the image id.
pub fn ami_id(id: &str) -> String {
    let hash = id.bytes().fold(7u64, |hash, byte| hash.wrapping_mul(1_000_003).wrapping_add(byte.into()));
    format!("ami-0{:016x}", hash)
}

/// The stack that builds an image, with the one resource that the operator reads.
pub fn stack(id: &str, region: &str, status: &str) -> Stack {
    Stack {
        region: region.into(),
        name: id.into(),
        status: Some(status.into()),
        status_reason: Some(format!("reason of the stack {id}")),
        creation_time: Some("2025-01-02T03:04:05.678Z".into()),
        tags: tags(id),
        resources: vec![StackResource { physical_id: Some(build_arn(id, region)), ..StackResource::default() }],
        ..Stack::default()
    }
}

/// The image build version that the stack builds.
pub fn build(id: &str, region: &str, status: &str) -> ImageBuildVersion {
    ImageBuildVersion {
        arn: build_arn(id, region),
        status: Some(status.into()),
        reason: Some(format!("reason of the build {id}")),
        ..ImageBuildVersion::default()
    }
}

pub fn build_arn(id: &str, region: &str) -> String {
    format!("arn:aws:imagebuilder:{region}:{ACCOUNT}:image/parallelclusterimage-{}/{VERSION}/1", id.to_lowercase())
}

/// The bucket that [`tags`] names.
pub fn config_bucket(region: &str) -> Bucket {
    Bucket { name: "config-bucket".into(), region: region.into(), ..Bucket::default() }
}

/// A world with the default region `region` and the bucket of the image configurations.
pub fn world(region: &str) -> World {
    let mut world = World::default();
    world.defaults.region = region.into();
    world.buckets.push(config_bucket(region));
    world
}

/// The available image `hpc`, and the build of `fails`, which fails after 100 s and leaves its stack and its log. Time goes on
/// only when the test says so.
pub fn with_failed_build(region: &str) -> World {
    let mut world = world(region);
    world.clock.mode = ClockMode::Manual;
    world.images.push(image("hpc", region));
    world.builds.push(Build {
        image_id: "fails".into(),
        region: region.into(),
        outcome: Outcome::Component,
        seconds: 100.0,
        s3_bucket: Some("config-bucket".into()),
        ..Build::default()
    });
    world
}
