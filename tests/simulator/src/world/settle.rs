//! Fills in the defaults of a world, and refuses an invalid world.

use crate::service::Service;

use super::{Bucket, Build, Defaults, Image, ImageBuildVersion, LogGroup, LogStream, Millis, Stack, World};

impl World {
    /// Fills in the defaults and checks the world. Idempotent.
    ///
    /// # Errors
    /// Names the invalid element, such as `images[3]: ami_id is missing`.
    pub fn settle(&mut self) -> Result<(), String> {
        let defaults = self.defaults.clone();
        each(&mut self.images, "images", |image| image.settle(&defaults))?;
        each(&mut self.stacks, "stacks", |stack| stack.settle(&defaults))?;
        each(&mut self.image_build_versions, "image_build_versions", ImageBuildVersion::settle)?;
        each(&mut self.log_groups, "log_groups", |group| group.settle(&defaults))?;
        each(&mut self.buckets, "buckets", |bucket| bucket.settle(&defaults))?;
        each(&mut self.faults, "faults", |fault| fault.service.as_deref().map_or(Ok(()), known_service))?;
        for name in self.limits.keys() {
            let (service, _) = name.split_once(':').unwrap_or_default();
            known_service(service).map_err(|problem| format!("limits: {name}: {problem}"))?;
        }
        each(&mut self.builds, "builds", |build| build.settle(&defaults))
    }
}

fn each<T>(items: &mut [T], list: &str, settle: impl Fn(&mut T) -> Result<(), &'static str>) -> Result<(), String> {
    for (index, item) in items.iter_mut().enumerate() {
        settle(item).map_err(|problem| format!("{list}[{index}]: {problem}"))?;
    }
    Ok(())
}

/// Without this check, a misspelt service would silently match nothing.
fn known_service(name: &str) -> Result<(), &'static str> {
    let known = Service::by_name(name).map(|_| ());
    known.ok_or("the service is ec2, cloudformation, imagebuilder, logs, s3 or sts")
}

fn fill(field: &mut String, default: &str) {
    if field.is_empty() {
        default.clone_into(field);
    }
}

fn required(field: &str, problem: &'static str) -> Result<(), &'static str> {
    if field.is_empty() { Err(problem) } else { Ok(()) }
}

impl Image {
    pub(crate) fn settle(&mut self, defaults: &Defaults) -> Result<(), &'static str> {
        required(&self.ami_id, "ami_id is missing")?;
        fill(&mut self.account, &defaults.account);
        fill(&mut self.region, &defaults.region);
        if let Some(owner_id) = &mut self.owner_id {
            fill(owner_id, &self.account);
        }
        if let Some(location) = &mut self.location {
            fill(location, &format!("{}/{}", self.account, self.name.as_deref().unwrap_or(&self.ami_id)));
        }
        Ok(())
    }
}

impl Stack {
    pub(crate) fn settle(&mut self, defaults: &Defaults) -> Result<(), &'static str> {
        required(&self.name, "name is missing")?;
        fill(&mut self.account, &defaults.account);
        fill(&mut self.region, &defaults.region);
        if self.id.is_empty() {
            self.id = stack_arn(&self.region, &self.account, &self.name, 0);
        }
        Ok(())
    }
}

impl ImageBuildVersion {
    pub(crate) fn settle(&mut self) -> Result<(), &'static str> {
        required(&self.arn, "arn is missing")
    }

    /// The region in the ARN; empty if `arn` is not an ARN.
    pub(crate) fn region(&self) -> &str {
        self.arn.split(':').nth(3).unwrap_or_default()
    }

    /// The account in the ARN; empty if `arn` is not an ARN.
    pub(crate) fn account(&self) -> &str {
        self.arn.split(':').nth(4).unwrap_or_default()
    }
}

/// When a group or stream without events was created.
const CREATED: Millis = Millis(1_735_786_800_123);

impl LogGroup {
    pub(crate) fn settle(&mut self, defaults: &Defaults) -> Result<(), &'static str> {
        required(&self.name, "name is missing")?;
        fill(&mut self.account, &defaults.account);
        fill(&mut self.region, &defaults.region);
        self.streams.iter_mut().try_for_each(LogStream::settle)?;
        let earliest = self.streams.iter().filter_map(|stream| stream.creation_time).min();
        fill_time(&mut self.creation_time, earliest.unwrap_or(CREATED));
        Ok(())
    }
}

impl LogStream {
    fn settle(&mut self) -> Result<(), &'static str> {
        required(&self.name, "a stream has no name")?;
        for event in &mut self.events {
            fill_time(&mut event.ingestion_time, event.timestamp);
        }
        let earliest = self.events.iter().map(|event| event.timestamp).min();
        fill_time(&mut self.creation_time, earliest.unwrap_or(CREATED));
        Ok(())
    }
}

fn fill_time(field: &mut Option<Millis>, default: Millis) {
    if *field == Some(Millis(0)) {
        *field = Some(default);
    }
}

impl Bucket {
    pub(crate) fn settle(&mut self, defaults: &Defaults) -> Result<(), &'static str> {
        required(&self.name, "name is missing")?;
        fill(&mut self.account, &defaults.account);
        fill(&mut self.region, &defaults.region);
        if self.objects.iter().any(|object| object.key.is_empty()) {
            return Err("an object has no key");
        }
        Ok(())
    }
}

impl Build {
    pub(crate) fn settle(&mut self, defaults: &Defaults) -> Result<(), &'static str> {
        required(&self.image_id, "image_id is missing")?;
        fill(&mut self.account, &defaults.account);
        fill(&mut self.region, &defaults.region);
        if !(self.seconds >= 0.0 && self.starts_after >= 0.0) {
            return Err("seconds and starts_after must be 0 or greater");
        }
        let digits = crate::digest::hex(&[&self.account, &self.region, &self.image_id], 17);
        fill(&mut self.ami_id, &format!("ami-{digits}"));
        if let Some(directory) = &mut self.s3_image_dir {
            fill(directory, &format!("parallelcluster/{}/images/{}-{}", self.version, self.image_id, &digits[..16]));
        }
        Ok(())
    }
}

/// Generates an ARN. `generation` distinguishes stacks with the same name.
pub(crate) fn stack_arn(region: &str, account: &str, name: &str, generation: u64) -> String {
    let unique = crate::digest::uuid(&[region, account, name, &generation.to_string()]);
    format!("arn:{}:cloudformation:{region}:{account}:stack/{name}/{unique}", partition(region))
}

pub(crate) fn partition(region: &str) -> &'static str {
    const BY_PREFIX: [(&str, &str); 6] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("us-iso-", "aws-iso"),
        ("eusc-", "aws-eusc"),
    ];
    BY_PREFIX.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}
