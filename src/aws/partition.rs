//! The region names that AWS's partitions can have. The SDK's copy of this table is private. The SDK treats an unknown
//! region as one of the partition `aws`, and then calls an endpoint that does not exist.

use crate::describe_image::image_id::Region;

/// The start of a region name, before its place and number. From the SDK's partitions.json, version 1.1.
const PREFIXES: [&str; 16] = [
    "us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx", // aws
    "cn", // aws-cn
    "us-gov", "us-iso", "us-isob", "eu-isoe", "us-isof", "eusc-de",
];

/// Whether the region matches the pattern of a partition, `PREFIX-PLACE-NUMBER`.
pub fn has_region(region: &Region) -> bool {
    let mut from_the_end = region.as_str().rsplitn(3, '-');
    let (_number, _place) = (from_the_end.next(), from_the_end.next());
    from_the_end.next().is_some_and(|prefix| PREFIXES.contains(&prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_of_all_partitions_match_and_invented_ones_do_not() {
        let has = |name: &str| has_region(&Region::parse(name).unwrap());
        for name in ["us-east-1", "ap-southeast-7", "mx-central-1", "us-gov-east-1", "cn-northwest-1", "eusc-de-east-1"]
        {
            assert!(has(name), "{name}");
        }
        for name in ["xx-nope-1", "us-nope-east-1", "gov-west-1", "eusc-fr-east-1", "zz-a-b-1"] {
            assert!(!has(name), "{name}");
        }
    }
}
