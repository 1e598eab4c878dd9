//! The identities of the operator's configuration, and which namespaces may use each in which regions. Pure.

use crate::describe_image::scope::DEFAULT_IDENTITY;
use crate::describe_image::source_error::{SourceError, SourceErrorKind};
use crate::describe_image::{Identity, Region, Scope};
use crate::kubernetes::custom_image::CustomImageSpec;
use kube::core::{Selector, SelectorExt};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The labels of a namespace.
pub type Labels = BTreeMap<String, String>;

/// One identity, and the namespaces and regions that may use it.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    pub identity: Identity,
    /// `None`: all.
    pub regions: Option<BTreeSet<Region>>,
    pub namespaces: Namespaces,
}

/// The namespaces that may use an identity.
#[derive(Clone, Debug, PartialEq)]
pub enum Namespaces {
    All,
    Named(BTreeSet<String>),
    Selected(Selector),
}

impl Namespaces {
    /// True if no namespace can match.
    #[must_use]
    pub fn is_nobody(&self) -> bool {
        matches!(self, Self::Named(names) if names.is_empty())
    }
}

/// All identities by name. The default identity always exists.
#[derive(Clone, Debug, PartialEq)]
pub struct Identities(HashMap<String, Grant>);

impl Identities {
    /// All namespaces may use the default identity, unless `grants` contains it.
    #[must_use]
    pub fn new(grants: impl IntoIterator<Item = Grant>) -> Self {
        let everybody = Grant { identity: Identity::default(), regions: None, namespaces: Namespaces::All };
        let all = std::iter::once(everybody).chain(grants);
        Self(all.map(|grant| (grant.identity.name.clone(), grant)).collect())
    }

    /// All grants, sorted by name.
    #[must_use]
    pub fn grants(&self) -> Vec<&Grant> {
        let mut grants: Vec<_> = self.0.values().collect();
        grants.sort_by_key(|grant| &grant.identity.name);
        grants
    }

    /// The grant of the identity `name`.
    #[must_use]
    pub fn grant(&self, name: &str) -> Option<&Grant> {
        self.0.get(name)
    }

    /// True if an identity selects namespaces by label, so that the labels are needed.
    #[must_use]
    pub fn select_by_label(&self) -> bool {
        self.0.values().any(|grant| matches!(grant.namespaces, Namespaces::Selected(_)))
    }

    /// The scope in which `namespace` may read AWS with the identity `name`. `labels` returns the labels of a namespace, or
    /// `None` while they are unknown.
    pub fn access(
        &self,
        name: &str,
        namespace: &str,
        region: Region,
        labels: impl FnOnce(&str) -> Option<Labels>,
    ) -> Access {
        let labels = if self.select_by_label() { labels(namespace) } else { None };
        let is_granted = |grant: &&Grant| match &grant.namespaces {
            Namespaces::All => true,
            Namespaces::Named(names) => names.contains(namespace),
            Namespaces::Selected(selector) => labels.as_ref().is_some_and(|labels| selector.matches(labels)),
        };
        // The answer is the same for an identity that does not exist and for one that is not granted (yet), because the
        // names of identities are confidential.
        let Some(grant) = self.0.get(name).filter(is_granted) else {
            let is_undecided = self.select_by_label() && labels.is_none();
            return if is_undecided {
                Access::Undecided(unlabelled(namespace))
            } else {
                Access::Refused(not_granted(name, namespace))
            };
        };
        match &grant.regions {
            Some(regions) if !regions.contains(&region) => Access::Refused(not_there(name, &region, regions)),
            Some(_) | None => Access::Granted(Scope { identity: grant.identity.clone(), region }),
        }
    }
}

/// Whether a namespace may read AWS with an identity in a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    Granted(Scope),
    /// Not with that identity, or not in that region.
    Refused(SourceError),
    /// The labels of the namespace are not known yet.
    Undecided(SourceError),
}

/// The identity that an object names.
#[must_use]
pub fn name_of(spec: &CustomImageSpec) -> &str {
    spec.identity.as_deref().unwrap_or(DEFAULT_IDENTITY)
}

fn not_granted(name: &str, namespace: &str) -> SourceError {
    SourceError::unasked(
        SourceErrorKind::IdentityNotAllowed,
        format!(
            "spec.identity '{name}' may not be used in namespace '{namespace}': allow it in the operator's configuration (identities), or create another CustomImage with an allowed identity"
        ),
    )
}

fn not_there(name: &str, region: &Region, regions: &BTreeSet<Region>) -> SourceError {
    let allowed: Vec<&str> = regions.iter().map(Region::as_str).collect();
    SourceError::unasked(
        SourceErrorKind::IdentityNotAllowed,
        format!(
            "spec.region '{region}' may not be used with identity '{name}' (allowed: {}): allow it in the operator's configuration (identities), or create another CustomImage",
            if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") }
        ),
    )
}

fn unlabelled(namespace: &str) -> SourceError {
    SourceError::unasked(
        SourceErrorKind::ServiceError,
        format!(
            "the labels of namespace '{namespace}' are not known yet: the operator needs list and watch on namespaces"
        ),
    )
}

#[cfg(test)]
mod tests;
