//! The manifest of a CustomImage for an image: what a person would write, ready for Git.

use crate::describe_image::{ImageId, Region};
use crate::kubernetes::custom_image::{CustomImage, CustomImageSpec};
use sha2::{Digest, Sha256};

/// A CustomImage for `id` in `region`, read with `identity` or with the operator's own credentials.
#[must_use]
pub fn of_image(id: &ImageId, region: &Region, identity: Option<&str>) -> CustomImage {
    let spec = CustomImageSpec {
        image_id: id.to_string(),
        region: Some(region.to_string()),
        identity: identity.map(str::to_owned),
        suspend: None,
    };
    CustomImage::new(&name_of(id), spec)
}

/// A name that depends only on the id and that no other id has. It is the id itself if that is a valid Kubernetes name.
/// Else it is the id in lower case, a dot (which no id contains), and the start of the id's hash.
fn name_of(id: &ImageId) -> String {
    let lower = id.as_str().to_ascii_lowercase();
    let name = lower.trim_end_matches('-');
    if name == id.as_str() {
        return name.to_owned();
    }
    let hash: String = Sha256::digest(id.as_str()).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{name}.{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(id: &str) -> String {
        name_of(&ImageId::parse(id).unwrap())
    }

    #[test]
    fn name_is_valid_and_stable_and_differs_for_each_id() {
        assert_eq!(name("hpc-base-2026-11"), "hpc-base-2026-11");
        assert_eq!(name("HPC-Base"), "hpc-base.c378653c");
        let alike = ["hpc", "Hpc", "HPC", "hpc-", "hpc--", "Hpc-", "hpc-1e39c938"].map(name);
        let different: std::collections::BTreeSet<_> = alike.iter().collect();
        assert_eq!(different.len(), alike.len(), "{alike:?}");
        for name in alike.iter().chain(&[name(&"A-".repeat(64))]) {
            let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            assert!(name.len() <= 253 && name.starts_with(is_end) && name.ends_with(is_end), "{name}");
        }
    }

    #[test]
    fn manifest_contains_only_what_a_person_would_write() {
        let image = of_image(&ImageId::parse("hpc").unwrap(), &Region::parse("eu-west-1").unwrap(), Some("research"));
        let expected = serde_json::json!({
            "apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage", "metadata": {"name": "hpc"},
            "spec": {"imageId": "hpc", "region": "eu-west-1", "identity": "research"}
        });
        assert_eq!(serde_json::to_value(image).unwrap(), expected);
    }
}
