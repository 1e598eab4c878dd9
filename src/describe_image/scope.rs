//! `Scope`: in which region and with which credentials images are read. `ImageRef`: an image in its scope.

use super::image_id::{ImageId, Region};
use std::fmt;

/// The pattern of an identity's name: a DNS label, at most 63 characters.
pub const IDENTITY_PATTERN: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";

/// Whether `name` matches [`IDENTITY_PATTERN`] and has at most 63 characters.
#[must_use]
pub fn is_identity_name(name: &str) -> bool {
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=63).contains(&name.len())
        && name.chars().all(|c| is_end(c) || c == '-')
        && name.starts_with(is_end)
        && name.ends_with(is_end)
}

/// The name of the identity of the process's own credentials.
pub const DEFAULT_IDENTITY: &str = "default";

/// Where images are read: with the credentials of an identity, in a region.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    pub identity: Identity,
    pub region: Region,
}

impl Scope {
    /// The process's own credentials in `region`.
    #[must_use]
    pub fn default_identity(region: Region) -> Self {
        Self { identity: Identity::default(), region }
    }
}

/// An image in its scope.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImageRef {
    pub scope: Scope,
    pub id: ImageId,
}

/// Which credentials: a name in the operator's configuration, never an ARN in an object. It contains its role. So a
/// changed configuration is another scope, and no read can mix the two.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    pub name: String,
    /// The role to assume. `None` for the process's own credentials.
    pub role: Option<Role>,
}

impl Default for Identity {
    fn default() -> Self {
        Self { name: DEFAULT_IDENTITY.to_owned(), role: None }
    }
}

/// A role to assume, with the parameters of AssumeRole.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Role {
    arn: String,
    external_id: Option<ExternalId>,
    session_name: String,
}

/// The external id that a role's owner requires in addition to valid credentials. It is kept out of logs.
#[derive(Clone, PartialEq, Eq, Hash)]
struct ExternalId(String);

impl fmt::Debug for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExternalId(…)")
    }
}

/// A part of a role that STS would reject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRole {
    #[error("roleArn must be the ARN of an IAM role, such as arn:aws:iam::111122223333:role/customimage-reader")]
    Arn,
    #[error("externalId must be 2 to 1224 letters, digits or any of _+=,.@:/-")]
    ExternalId,
    #[error("sessionName must be 2 to 64 letters, digits or any of _+=,.@-")]
    SessionName,
}

impl Role {
    /// # Errors
    /// If STS would reject a part because of its format.
    pub fn parse(arn: &str, external_id: Option<&str>, session_name: &str) -> Result<Self, InvalidRole> {
        if account_of(arn).is_none() {
            return Err(InvalidRole::Arn);
        }
        if external_id.is_some_and(|id| !is_worded(id, "_+=,.@:/-", 1224)) {
            return Err(InvalidRole::ExternalId);
        }
        if !is_worded(session_name, "_+=,.@-", 64) {
            return Err(InvalidRole::SessionName);
        }
        let external_id = external_id.map(|id| ExternalId(id.to_owned()));
        Ok(Self { arn: arn.to_owned(), external_id, session_name: session_name.to_owned() })
    }

    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    #[must_use]
    pub fn external_id(&self) -> Option<&str> {
        self.external_id.as_ref().map(|id| id.0.as_str())
    }

    #[must_use]
    pub fn session_name(&self) -> &str {
        &self.session_name
    }

    /// The account that the role belongs to.
    #[must_use]
    pub fn account_id(&self) -> &str {
        account_of(&self.arn).unwrap_or_default()
    }
}

/// The account in `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`. `None` if `arn` does not have this form.
fn account_of(arn: &str) -> Option<&str> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts.as_slice() else { return None };
    let is_partition = partition.starts_with("aws") && partition.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    let is_path = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
    let is_role = resource.strip_prefix("role/").is_some_and(is_path);
    (is_partition && is_account && is_role).then_some(account)
}

fn is_worded(text: &str, signs: &str, most: usize) -> bool {
    (2..=most).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || signs.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:iam::222233334444:role/hpc/reader";

    #[test]
    fn a_role_arn_names_its_account_in_every_partition() {
        for arn in [ARN, "arn:aws-us-gov:iam::222233334444:role/r", "arn:aws-cn:iam::222233334444:role/r"] {
            assert_eq!(Role::parse(arn, None, "me").unwrap().account_id(), "222233334444", "{arn}");
        }
    }

    #[test]
    fn each_part_that_sts_would_reject_has_its_own_error() {
        for (arn, external_id, session_name, error) in [
            ("", None, "me", InvalidRole::Arn),
            ("arn:aws:iam::222233334444:user/r", None, "me", InvalidRole::Arn),
            ("arn:aws:iam::22223333444:role/r", None, "me", InvalidRole::Arn),
            ("arn:aws:iam:eu-west-1:222233334444:role/r", None, "me", InvalidRole::Arn),
            ("arn:aws:iam::222233334444:role/", None, "me", InvalidRole::Arn),
            (ARN, Some("a"), "me", InvalidRole::ExternalId),
            (ARN, Some("a b"), "me", InvalidRole::ExternalId),
            (ARN, Some("ticket:7/8"), "m", InvalidRole::SessionName),
            (ARN, None, "who/what", InvalidRole::SessionName),
        ] {
            assert_eq!(Role::parse(arn, external_id, session_name), Err(error), "{arn} {external_id:?} {session_name}");
        }
    }

    #[test]
    fn an_external_id_is_not_logged() {
        let role = Role::parse(ARN, Some("hush-hush"), "me").unwrap();
        assert!(!format!("{role:?}").contains("hush"));
    }
}
