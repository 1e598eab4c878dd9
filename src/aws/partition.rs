//! The region names that AWS's partitions can have, and those that they have. The SDK's copy of these tables is private;
//! A test compares the lists. The SDK treats an unknown region as one of the partition `aws`, and then calls an
//! endpoint that does not exist.

use crate::describe_image::image_id::Region;

/// The start of a region name, before its place and number. From the SDK's partitions.json, version 1.1.
const PREFIXES: [&str; 16] = [
    "us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx", // aws
    "cn", // aws-cn
    "us-gov", "us-iso", "us-isob", "eu-isoe", "us-isof", "eusc-de",
];

/// The regions that the SDK lists. AWS opens new ones, so others may exist, too.
#[rustfmt::skip]
const LISTED: [&str; 46] = [
    "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2",
    "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
    "ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2",
    "eu-west-3", "il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1",
    "us-west-2",
    "cn-north-1", "cn-northwest-1",
    "eusc-de-east-1",
    "us-iso-east-1", "us-iso-west-1", "us-isob-east-1", "us-isob-west-1", "eu-isoe-west-1", "us-isof-east-1", "us-isof-south-1",
    "us-gov-east-1", "us-gov-west-1",
];

/// Whether the SDK lists the region.
pub fn is_listed(region: &Region) -> bool {
    LISTED.contains(&region.as_str())
}

/// Whether the region matches the pattern of a partition, `PREFIX-PLACE-NUMBER`.
pub fn has_region(region: &Region) -> bool {
    let mut from_the_end = region.as_str().rsplitn(3, '-');
    let (_number, _place) = (from_the_end.next(), from_the_end.next());
    from_the_end.next().is_some_and(|prefix| PREFIXES.contains(&prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    /// The sources of the locked version of aws-sdk-ec2.
    fn sdk() -> PathBuf {
        let lock = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).unwrap();
        let version = lock.split("name = \"aws-sdk-ec2\"\nversion = \"").nth(1).unwrap().split('"').next().unwrap();
        let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.unwrap_or_else(|| Path::new(&std::env::var_os("HOME").unwrap()).join(".cargo"));
        let registries = std::fs::read_dir(home.join("registry/src")).unwrap();
        let mut folders = registries.map(|registry| registry.unwrap().path().join(format!("aws-sdk-ec2-{version}")));
        folders.find(|folder| folder.is_dir()).unwrap()
    }

    #[test]
    fn the_list_of_regions_is_the_sdks() {
        let text = std::fs::read_to_string(sdk().join("src/endpoint_lib.rs")).unwrap();
        let is_region = |name: &&str| {
            Region::parse(name).is_ok() && name.rsplit('-').next().is_some_and(|end| end.parse::<u8>().is_ok())
        };
        let listed: BTreeSet<&str> = text.split(['"', '\\']).filter(is_region).collect();
        assert_eq!(BTreeSet::from(LISTED), listed, "copy the SDK's list");
    }

    #[test]
    fn regions_of_all_partitions_match_and_invented_ones_do_not() {
        let has = |name: &str| has_region(&Region::parse(name).unwrap());
        for name in ["us-east-1", "ap-southeast-7", "mx-central-1", "us-gov-east-1", "cn-northwest-1", "eusc-de-east-1"]
        {
            assert!(has(name), "{name}");
            assert!(is_listed(&Region::parse(name).unwrap()), "{name}");
        }
        for name in ["xx-nope-1", "us-nope-east-1", "gov-west-1", "eusc-fr-east-1", "zz-a-b-1"] {
            assert!(!has(name), "{name}");
        }
    }
}
