//! The location of an image's configuration file: the bucket and key rules of ParallelCluster.

use super::image_id::Region;
use super::observation::{Ami, Observation, Stack, tag, tag_key};
use super::response::Tag;
use sha2::{Digest, Sha256};

/// What the API answers if it cannot create the URL.
pub const NOT_AVAILABLE: &str = "NOT_AVAILABLE";

/// The object that holds an image's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConfigObject {
    pub bucket: String,
    pub key: String,
    /// The account that must own the bucket. Set for the default bucket, because anyone could create a bucket with its
    /// name.
    pub expected_owner: Option<String>,
}

impl ConfigObject {
    /// The stable form of the URL for a status. It gives no access to users who may not read the bucket.
    #[must_use]
    pub fn s3_url(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }
}

/// The object that holds the configuration of the observed image. `None` if its location is unknown.
#[must_use]
pub fn config_object(observation: &Observation, region: &Region) -> Option<ConfigObject> {
    let (bucket_tag, folder) = match observation {
        Observation::Ami { ami, stack, refused: _ } => {
            let stack_tags = stack.as_ref().map(|stack| stack.tags.as_slice());
            let folder = tag(&ami.tags, tag_key::S3_IMAGE_DIR).or_else(|| tag(stack_tags?, tag_key::S3_IMAGE_DIR))?;
            let bucket = match tag(&ami.tags, tag_key::S3_BUCKET) {
                Some(bucket) => Some(bucket),
                // A stack without the tag means the default bucket. Without a stack, the bucket is unknown.
                None => tag(stack_tags?, tag_key::S3_BUCKET),
            };
            (bucket, folder)
        }
        Observation::Stack { stack, .. } => {
            (tag(&stack.tags, tag_key::S3_BUCKET), tag(&stack.tags, tag_key::S3_IMAGE_DIR)?)
        }
        Observation::Absent { .. } => return None,
    };
    let key = config_key(folder);
    let default_bucket = observation.account_id().map(|account| (default_bucket(account, region), account));
    match bucket_tag.filter(|name| !name.is_empty()) {
        Some(name) => {
            let owner = default_bucket.filter(|(default, _)| default == name).map(|(_, account)| account.to_owned());
            Some(ConfigObject { bucket: name.to_owned(), key, expected_owner: owner })
        }
        None => default_bucket.map(|(bucket, account)| ConfigObject {
            bucket,
            key,
            expected_owner: Some(account.to_owned()),
        }),
    }
}

/// The key of the configuration in the folder of an image. The IAM policies of the chart open keys with this end alone.
#[must_use]
pub fn config_key(folder: &str) -> String {
    format!("{folder}/configs/image-config.yaml")
}

/// Whether the AMI's own tags contain both the bucket and the folder. Then its stack need not be read.
#[must_use]
pub fn is_told_by(ami: &Ami) -> bool {
    let has = |key| tag(&ami.tags, key).is_some();
    has(tag_key::S3_BUCKET) && has(tag_key::S3_IMAGE_DIR)
}

/// Whether the stack builds an image. ParallelCluster always tags such a stack with its folder.
#[must_use]
pub fn is_image_stack(stack: &Stack) -> bool {
    tag(&stack.tags, tag_key::S3_IMAGE_DIR).is_some()
}

/// The name of the bucket that ParallelCluster creates for an account in a region.
#[must_use]
pub fn default_bucket(account_id: &str, region: &Region) -> String {
    let hash = Sha256::digest(format!("{account_id}{region}"));
    let suffix: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("parallelcluster-{suffix}-v1-do-not-delete")
}

/// Creates a tag. Only tests use it.
#[must_use]
pub fn new_tag(key: impl Into<String>, value: impl Into<String>) -> Tag {
    Tag { key: key.into(), value: value.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "111122223333";
    const DEFAULT: &str = "parallelcluster-411a5d24c67e2adf-v1-do-not-delete";

    fn region() -> Region {
        Region::parse("eu-west-1").unwrap()
    }

    fn tags(bucket: Option<&str>, folder: Option<&str>) -> Vec<Tag> {
        let bucket = bucket.map(|value| new_tag(tag_key::S3_BUCKET, value));
        let folder = folder.map(|value| new_tag(tag_key::S3_IMAGE_DIR, value));
        bucket.into_iter().chain(folder).collect()
    }

    fn stack(bucket: Option<&str>, folder: Option<&str>) -> Stack {
        let arn = format!("arn:aws:cloudformation:eu-west-1:{ACCOUNT}:stack/hpc/0");
        Stack { arn: Some(arn), tags: tags(bucket, folder), ..Stack::default() }
    }

    fn of_ami(bucket: Option<&str>, folder: Option<&str>, stack: Option<Stack>) -> Option<String> {
        let ami = Ami { owner_id: Some(ACCOUNT.to_owned()), tags: tags(bucket, folder), ..Ami::default() };
        config_object(&Observation::Ami { ami, stack, refused: None }, &region()).map(|object| object.s3_url())
    }

    #[test]
    fn tags_of_the_ami_take_precedence_over_tags_of_the_stack() {
        let other = || Some(stack(Some("stack-bucket"), Some("stack-dir")));
        assert_eq!(of_ami(Some("b"), Some("d"), other()).as_deref(), Some("s3://b/d/configs/image-config.yaml"));
        assert_eq!(of_ami(None, Some("d"), other()).as_deref(), Some("s3://stack-bucket/d/configs/image-config.yaml"));
        assert_eq!(of_ami(Some("b"), None, other()).as_deref(), Some("s3://b/stack-dir/configs/image-config.yaml"));
    }

    #[test]
    fn a_folder_without_a_bucket_is_in_the_default_bucket_only_if_there_is_a_stack() {
        let expected = format!("s3://{}/d/configs/image-config.yaml", default_bucket(ACCOUNT, &region()));
        assert_eq!(of_ami(None, Some("d"), Some(stack(None, None))), Some(expected.clone()));
        assert_eq!(of_ami(Some(""), Some("d"), None), Some(expected));
        assert_eq!(of_ami(None, Some("d"), None), None);
        assert_eq!(of_ami(Some("b"), None, None), None);
    }

    #[test]
    fn the_default_bucket_must_belong_to_the_account_even_if_a_tag_names_it() {
        let default = default_bucket(ACCOUNT, &region());
        for bucket in [None, Some(default.as_str())] {
            let seen = Observation::Stack { stack: stack(bucket, Some("d")), image_build: None, refused: None };
            let object = config_object(&seen, &region()).unwrap();
            assert_eq!((object.bucket.as_str(), object.expected_owner.as_deref()), (default.as_str(), Some(ACCOUNT)));
        }
    }

    #[test]
    fn the_default_bucket_has_the_name_that_parallelcluster_gives_it() {
        assert_eq!(default_bucket(ACCOUNT, &region()), DEFAULT);
    }
}
