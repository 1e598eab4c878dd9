//! `ImageId` and `Region`: parsed once at the edge, never invalid afterwards.
//! No lookups here: the adapter checks whether AWS has a region.

use std::fmt;

/// The pattern of an image id: one letter is enough, and CloudFormation has a maximum length for the name of a stack.
pub const IMAGE_ID_PATTERN: &str = "^[a-zA-Z][a-zA-Z0-9-]{0,127}$";

/// The API's published pattern itself.
pub const PATTERN: &str = "^[a-zA-Z][a-zA-Z0-9-]+$";

/// CloudFormation's maximum length of a stack name. The stack's name is the image id.
const MAX_LENGTH: usize = 128;

/// The pattern of every AWS region name, including sovereign and government regions.
pub const REGION_PATTERN: &str = "^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$";

/// The id of a ParallelCluster custom image: a letter, then letters, digits and hyphens; 1 to 128 characters in total.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageId(String);

/// An image id that the API rejects with 400. The message is the official program's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' does not match '{}' - 'image-id'", self.broken_pattern(), text = self.0)]
pub struct InvalidImageId(String);

impl InvalidImageId {
    /// The API's own pattern, except if the id is too long: then the pattern with our length limit.
    #[must_use]
    pub fn broken_pattern(&self) -> &'static str {
        if self.0.len() > MAX_LENGTH { IMAGE_ID_PATTERN } else { PATTERN }
    }
}

impl ImageId {
    /// # Errors
    /// If `text` does not match [`IMAGE_ID_PATTERN`].
    pub fn parse(text: &str) -> Result<Self, InvalidImageId> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic());
        let is_plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if starts_well && is_plain && text.len() <= MAX_LENGTH {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidImageId(text.to_owned()))
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it has the form of an AMI id. Such an image id is valid, but nearly always a mistake.
    #[must_use]
    pub fn looks_like_an_ami_id(&self) -> bool {
        let is_hex = |id: &str| id.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
        self.0.strip_prefix("ami-").is_some_and(|rest| matches!(rest.len(), 8 | 17) && is_hex(rest))
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of an AWS region. It matches [`REGION_PATTERN`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(String);

/// A region name that no partition of AWS can have. The message is the official program's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid or unsupported region '{0}'")]
pub struct InvalidRegion(pub String);

impl Region {
    /// # Errors
    /// If `text` does not match [`REGION_PATTERN`].
    pub fn parse(text: &str) -> Result<Self, InvalidRegion> {
        let parts: Vec<&str> = text.split('-').collect();
        let is_region = match parts.as_slice() {
            [area, names @ .., number] => {
                (2..=4).contains(&area.len())
                    && !names.is_empty()
                    && std::iter::once(area).chain(names).all(|part| is_lower(part))
                    && (1..=2).contains(&number.len())
                    && number.bytes().all(|b| b.is_ascii_digit())
            }
            [] | [_] => false,
        };
        if is_region { Ok(Self(text.to_owned())) } else { Err(InvalidRegion(text.to_owned())) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_lower(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase())
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_of_one_to_128_characters_are_valid() {
        for id in ["a", "Z", "hpc-base-2026-11", "a-", &"a".repeat(128)] {
            assert!(ImageId::parse(id).is_ok(), "{id}");
        }
        for id in ["", "1a", "-a", "a_b", "a b", "é", "a\n", &"a".repeat(129)] {
            assert!(ImageId::parse(id).is_err(), "{id}");
        }
    }

    #[test]
    fn an_ami_id_is_recognized_among_image_ids() {
        for (id, is_of_ami) in [
            ("ami-0123456789abcdef0", true),
            ("ami-1a2b3c4d", true),
            ("ami-hpc", false),
            ("ami-0123456789ABCDEF0", false),
            ("my-ami-1a2b3c4d", false),
            ("ami-1a2b3c4", false),
        ] {
            assert_eq!(ImageId::parse(id).unwrap().looks_like_an_ami_id(), is_of_ami, "{id}");
        }
    }

    #[test]
    fn regions_of_every_partition_are_valid_and_other_words_are_not() {
        for region in
            ["us-east-1", "ap-southeast-10", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-isob-east-1"]
        {
            assert!(Region::parse(region).is_ok(), "{region}");
        }
        for region in
            ["", "-", "us", "us-1", "us-east", "US-east-1", "us-east-1a", "us--1", "nowhere-east-1", "us-east-123"]
        {
            assert!(Region::parse(region).is_err(), "{region}");
        }
    }

    proptest! {
        #[test]
        fn parsing_any_text_returns_the_same_text_or_an_error(text in ".{0,140}") {
            if let Ok(id) = ImageId::parse(&text) { prop_assert_eq!(id.as_str(), &text); }
            if let Ok(region) = Region::parse(&text) { prop_assert_eq!(region.as_str(), &text); }
        }
    }
}
