//! The things that a build creates: its stack, its image build version, its AMI, and their names.

use crate::digest;
use crate::world::{Build, Image, ImageBuildVersion, Outcome, OutputAmi, Stack, Tag, partition, stack_arn};

pub fn output_ami(build: &Build) -> OutputAmi {
    OutputAmi {
        ami_id: Some(build.ami_id.clone()),
        region: Some(build.region.clone()),
        name: Some(ami_name(build)),
        description: build.description.clone(),
        account: Some(build.account.clone()),
    }
}

pub fn new_build_version(build: &Build, arn: String, status: &str, now: &str) -> ImageBuildVersion {
    ImageBuildVersion {
        arn,
        name: Some(format!("ParallelClusterImage-{}", build.image_id)),
        version: Some(format!("{}/1", build.version)),
        status: Some(status.to_owned()),
        date_created: Some(now.to_owned()),
        ..ImageBuildVersion::default()
    }
}

pub fn new_stack(build: &Build, now: &str) -> Stack {
    let mut tags = parallelcluster_tags(build);
    tags.extend(build.tags.clone());
    Stack {
        account: build.account.clone(),
        region: build.region.clone(),
        name: build.image_id.clone(),
        id: stack_id(build),
        status_reason: Some("User Initiated".into()),
        creation_time: Some(now.to_owned()),
        capabilities: vec!["CAPABILITY_NAMED_IAM".into()],
        disable_rollback: Some(!build.rolls_back()),
        tags,
        ..Stack::default()
    }
}

pub fn new_image(build: &Build, now: &str) -> Image {
    let mut tags = vec![Tag::new("Ec2ImageBuilderArn", build_version_arn(build))];
    if build.outcome != Outcome::Orphan {
        tags.insert(0, Tag::new("CreatedBy", "EC2 Image Builder"));
        tags.extend(parallelcluster_tags(build));
        tags.extend(build.tags.clone());
    }
    Image {
        account: build.account.clone(),
        region: build.region.clone(),
        ami_id: build.ami_id.clone(),
        name: Some(ami_name(build)),
        description: build.description.clone(),
        architecture: Some(build.architecture.clone()),
        creation_date: Some(now.to_owned()),
        owner_id: Some(build.account.clone()),
        location: Some(format!("{}/{}", build.account, ami_name(build))),
        tags,
        ..Image::default()
    }
}

fn parallelcluster_tags(build: &Build) -> Vec<Tag> {
    let Build { region, account, .. } = build;
    let log_group = format!("arn:{}:logs:{region}:{account}:log-group:{}", partition(region), log_group_name(build));
    let values = [
        ("image_id", Some(build.image_id.clone())),
        ("version", Some(build.version.clone())),
        ("image_name", Some(build.image_id.clone())),
        ("build_log", Some(log_group)),
        ("s3_bucket", build.s3_bucket.clone()),
        ("s3_image_dir", build.s3_image_dir.clone()),
    ];
    let tag = |(key, value): (&str, Option<String>)| Some(Tag::new(format!("parallelcluster:{key}"), value?));
    values.into_iter().filter_map(tag).collect()
}

/// Builds of the same image id that start at different times have different stacks.
pub fn stack_id(build: &Build) -> String {
    stack_arn(&build.region, &build.account, &build.image_id, 1 + build.started.unwrap_or_default().to_bits())
}

fn ami_name(build: &Build) -> String {
    let unique = digest::hex(&["name", &build.account, &build.region, &build.image_id], 8);
    build.ami_name.clone().unwrap_or_else(|| format!("{}-{unique}", build.image_id))
}

pub fn build_version_arn(build: &Build) -> String {
    let name = format!("parallelclusterimage-{}", build.image_id).to_lowercase();
    arn(build, "imagebuilder", &format!("image/{name}/{}/1", build.version))
}

/// The build version of one of the stack's own components. `kind` is empty or such as `-tag`; `unique` is the stack's.
pub fn component_arn(build: &Build, kind: &str, unique: &str) -> String {
    arn(build, "imagebuilder", &format!("component/parallelclusterimage{kind}-{unique}/{}/1", build.version))
}

pub fn arn(build: &Build, service: &str, resource: &str) -> String {
    let Build { region, account, .. } = build;
    format!("arn:{}:{service}:{region}:{account}:{resource}", partition(region))
}

/// The UUID at the end of the stack's ARN, which the names of its resources have, too.
pub fn unique_id(stack_id: &str) -> &str {
    stack_id.rsplit('/').next().unwrap_or_default()
}

pub fn log_group_name(build: &Build) -> String {
    format!("/aws/imagebuilder/ParallelClusterImage-{}", build.image_id)
}

/// A UUID of this build, always the same for the same `thing`.
pub fn uuid(build: &Build, thing: &str) -> String {
    digest::uuid(&[&stack_id(build), thing])
}
