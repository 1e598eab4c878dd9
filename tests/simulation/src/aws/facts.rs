//! What AWS has at one moment, as far as describeImage tells of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use customimage_operator::describe_image::observation::tag_key;
use simulator::World;

/// The AMIs, stacks and builds of all regions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The AMIs that ParallelCluster has tagged, by region and image id: AMI id and state.
    pub amis: BTreeMap<(String, String), BTreeSet<(String, String)>>,
    /// The stacks that are not deleted, by region and name: ARN and status.
    pub stacks: BTreeMap<(String, String), (String, String)>,
    /// Those of the stacks that build no image, by ARN.
    others: BTreeSet<String>,
    /// The builds that have an AMI, tagged or not, by region and ARN.
    pub made: BTreeSet<(String, String)>,
    /// The status of each build, by ARN.
    pub builds: BTreeMap<String, String>,
}

impl Facts {
    pub fn of(world: &World) -> Self {
        let mut facts = Self::default();
        for image in &world.images {
            if let Some(arn) = image.tag(tag_key::IMAGE_BUILD) {
                facts.made.insert((image.region.clone(), arn.to_owned()));
            }
            if let (Some(id), Some("available")) =
                (image.tag("parallelcluster:image_id"), image.tag("parallelcluster:build_status"))
            {
                let ami = (image.ami_id.clone(), image.state.clone().unwrap_or_default());
                facts.amis.entry((image.region.clone(), id.to_owned())).or_default().insert(ami);
            }
        }
        for stack in world.stacks.iter().filter(|stack| stack.status.as_deref() != Some("DELETE_COMPLETE")) {
            let what = (stack.id.clone(), stack.status.clone().unwrap_or_default());
            if !stack.tags.iter().any(|tag| tag.key == "parallelcluster:s3_image_dir") {
                facts.others.insert(stack.id.clone());
            }
            facts.stacks.insert((stack.region.clone(), stack.name.clone()), what);
        }
        for build in &world.image_build_versions {
            facts.builds.insert(build.arn.clone(), build.status.clone().unwrap_or_default());
        }
        facts
    }

    /// What has changed since `before`, in words.
    pub fn changes(&self, before: &Self) -> Vec<String> {
        let amis = changes("AMIs of", &before.amis, &self.amis);
        let stacks = changes("stack", &before.stacks, &self.stacks);
        [amis, stacks, changes("build", &before.builds, &self.builds)].concat()
    }

    /// The same without AMIs.
    pub fn without_amis(&self) -> Self {
        Self { amis: BTreeMap::new(), ..self.clone() }
    }

    /// Whether the stack with this ARN builds no image.
    pub fn is_of_another(&self, arn: &str) -> bool {
        self.others.contains(arn)
    }
}

fn changes<K: Ord + Debug, V: PartialEq + Debug>(
    what: &str,
    before: &BTreeMap<K, V>,
    now: &BTreeMap<K, V>,
) -> Vec<String> {
    let keys: BTreeSet<&K> = before.keys().chain(now.keys()).collect();
    let pairs = keys.into_iter().map(|key| (key, before.get(key), now.get(key)));
    let changed = pairs.filter(|(_, before, now)| before != now);
    changed.map(|(key, before, now)| format!("{what} {key:?}: {before:?} → {now:?}")).collect()
}
