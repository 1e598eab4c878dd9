//! Changes of a world: puts things by identity, applies actions, and merges a partial world.

use serde_json::Value;

use super::{Action, Bucket, Credential, Image, ImageBuildVersion, LogGroup, Stack, World};

impl World {
    pub fn put_image(&mut self, image: Image) {
        let same = |other: &Image| {
            (&other.ami_id, &other.region, &other.account) == (&image.ami_id, &image.region, &image.account)
        };
        let index = self.images.iter().position(same);
        put(&mut self.images, index, image);
    }

    pub fn put_stack(&mut self, stack: Stack) {
        let index = self.stacks.iter().position(|other| other.id == stack.id);
        put(&mut self.stacks, index, stack);
    }

    pub fn put_image_build_version(&mut self, version: ImageBuildVersion) {
        let index = self.image_build_versions.iter().position(|other| other.arn == version.arn);
        put(&mut self.image_build_versions, index, version);
    }

    pub fn put_log_group(&mut self, group: LogGroup) {
        let same = |other: &LogGroup| {
            (&other.name, &other.region, &other.account) == (&group.name, &group.region, &group.account)
        };
        let index = self.log_groups.iter().position(same);
        put(&mut self.log_groups, index, group);
    }

    pub fn put_bucket(&mut self, bucket: Bucket) {
        let index = self.buckets.iter().position(|other| other.name == bucket.name);
        put(&mut self.buckets, index, bucket);
    }

    /// Applies an action. `now` is the world's time, for the deletion time of a stack.
    pub fn apply(&mut self, action: Action, now: &str) -> Result<(), String> {
        match action {
            Action::PutImage(mut image) => {
                image.settle(&self.defaults)?;
                self.put_image(*image);
            }
            Action::DeleteImage(ami_id) => self.images.retain(|image| image.ami_id != ami_id),
            Action::PutStack(mut stack) => {
                stack.settle(&self.defaults)?;
                self.put_stack(*stack);
            }
            Action::DeleteStack(name_or_arn) => self.delete_stack(&name_or_arn, now),
            Action::ForgetStack(name_or_arn) => self.stacks.retain(|stack| !named(stack, &name_or_arn)),
            Action::PutImageBuildVersion(mut version) => {
                version.settle()?;
                self.put_image_build_version(*version);
            }
            Action::DeleteImageBuildVersion(arn) => self.image_build_versions.retain(|version| version.arn != arn),
            Action::PutLogGroup(mut group) => {
                group.settle(&self.defaults)?;
                self.put_log_group(*group);
            }
            Action::DeleteLogGroup(name) => self.log_groups.retain(|group| group.name != name),
            Action::PutBucket(mut bucket) => {
                bucket.settle(&self.defaults)?;
                self.put_bucket(*bucket);
            }
            Action::DeleteBucket(name) => self.buckets.retain(|bucket| bucket.name != name),
            Action::AddFault(fault) => self.faults.push(*fault),
            Action::ClearFaults => self.faults.clear(),
        }
        Ok(())
    }

    fn delete_stack(&mut self, name_or_arn: &str, now: &str) {
        for stack in self.stacks.iter_mut().filter(|stack| named(stack, name_or_arn) && !stack.is_deleted()) {
            stack.status = Some("DELETE_COMPLETE".into());
            stack.status_reason = None;
            stack.deletion_time = Some(now.to_owned());
        }
    }

    /// Merges the members of `patch`. Things in lists replace those with the same identity, or are appended; everything
    /// else is replaced. The clock cannot be patched because it runs.
    pub fn merge(&mut self, patch: &Value) -> Result<(), String> {
        let mut part: World = serde_json::from_value(patch.clone()).map_err(|error| error.to_string())?;
        let has = |member: &str| patch.get(member).is_some();
        if has("clock") {
            return Err("the clock is set by PUT /_simulator/clock".into());
        }
        if has("defaults") {
            self.defaults = part.defaults.clone();
        }
        part.defaults = self.defaults.clone();
        part.settle()?;
        if has("answers") {
            self.answers = part.answers.clone();
        }
        if has("aws_limits") {
            self.aws_limits = part.aws_limits;
        }
        self.merge_lists(part);
        Ok(())
    }

    fn merge_lists(&mut self, part: World) {
        for image in part.images {
            self.put_image(image);
        }
        for stack in part.stacks {
            self.put_stack(stack);
        }
        for version in part.image_build_versions {
            self.put_image_build_version(version);
        }
        for group in part.log_groups {
            self.put_log_group(group);
        }
        for bucket in part.buckets {
            self.put_bucket(bucket);
        }
        for credential in part.credentials {
            let same = |other: &Credential| other.access_key == credential.access_key;
            let index = self.credentials.iter().position(same);
            put(&mut self.credentials, index, credential);
        }
        for role in part.roles {
            let index = self.roles.iter().position(|other| other.arn == role.arn);
            put(&mut self.roles, index, role);
        }
        self.limits.extend(part.limits);
        self.faults.extend(part.faults);
        self.timeline.extend(part.timeline);
        self.builds.extend(part.builds);
    }
}

fn named(stack: &Stack, name_or_arn: &str) -> bool {
    stack.id == name_or_arn || stack.name == name_or_arn
}

fn put<T>(list: &mut Vec<T>, index: Option<usize>, item: T) {
    match index {
        Some(index) => list[index] = item,
        None => list.push(item),
    }
}
