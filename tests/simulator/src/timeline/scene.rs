//! The world with an index of its things, so that thousands of builds can run at once.

use std::collections::HashMap;

use crate::world::{Image, ImageBuildVersion, LogGroup, Stack, World};

/// The index is valid only as long as nothing else adds or removes things.
pub struct Scene<'a> {
    world: &'a mut World,
    stacks: HashMap<String, usize>,
    versions: HashMap<String, usize>,
    images: HashMap<[String; 3], usize>,
    log_groups: HashMap<[String; 3], usize>,
}

impl<'a> Scene<'a> {
    pub fn of(world: &'a mut World) -> Self {
        Self {
            stacks: index(&world.stacks, |stack| stack.id.clone()),
            versions: index(&world.image_build_versions, |version| version.arn.clone()),
            images: index(&world.images, image_key),
            log_groups: index(&world.log_groups, log_group_key),
            world,
        }
    }

    pub fn stack(&mut self, id: &str) -> Option<&mut Stack> {
        self.world.stacks.get_mut(*self.stacks.get(id)?)
    }

    pub fn version(&mut self, arn: &str) -> Option<&mut ImageBuildVersion> {
        let index = *self.versions.get(arn)?;
        self.world.image_build_versions.get_mut(index)
    }

    pub fn image(&mut self, key: &[String; 3]) -> Option<&mut Image> {
        self.world.images.get_mut(*self.images.get(key)?)
    }

    /// The group that has the same identity as `group`. It is added if there is none.
    pub fn log_group(&mut self, group: LogGroup) -> &mut LogGroup {
        let place = *self.log_groups.entry(log_group_key(&group)).or_insert(self.world.log_groups.len());
        if place == self.world.log_groups.len() {
            self.world.log_groups.push(group);
        }
        &mut self.world.log_groups[place]
    }

    pub fn put_stack(&mut self, stack: Stack) {
        let key = stack.id.clone();
        put(&mut self.world.stacks, &mut self.stacks, key, stack);
    }

    pub fn put_version(&mut self, version: ImageBuildVersion) {
        let key = version.arn.clone();
        let versions = &mut self.world.image_build_versions;
        put(versions, &mut self.versions, key, version);
    }

    pub fn put_image(&mut self, image: Image) {
        let key = image_key(&image);
        put(&mut self.world.images, &mut self.images, key, image);
    }
}

fn image_key(image: &Image) -> [String; 3] {
    [&image.ami_id, &image.region, &image.account].map(String::clone)
}

fn log_group_key(group: &LogGroup) -> [String; 3] {
    [&group.name, &group.region, &group.account].map(String::clone)
}

fn index<T, K: Eq + std::hash::Hash>(items: &[T], key: impl Fn(&T) -> K) -> HashMap<K, usize> {
    let keyed = items.iter().enumerate().map(|(place, item)| (key(item), place));
    keyed.collect()
}

fn put<T, K: Eq + std::hash::Hash>(items: &mut Vec<T>, places: &mut HashMap<K, usize>, key: K, item: T) {
    match places.get(&key) {
        Some(place) => items[*place] = item,
        None => {
            places.insert(key, items.len());
            items.push(item);
        }
    }
}
