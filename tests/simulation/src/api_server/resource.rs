//! The resources that the server knows.

use serde_json::{Map, Value, json};

/// A resource. Those that the operator neither lists nor writes are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    CustomImage,
    Lease,
    Namespace,
    Event,
}

impl Resource {
    #[must_use]
    pub fn group(self) -> &'static str {
        match self {
            Self::CustomImage => "parallelcluster.dev",
            Self::Lease => "coordination.k8s.io",
            Self::Namespace => "",
            Self::Event => "events.k8s.io",
        }
    }

    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::CustomImage => "customimages",
            Self::Lease => "leases",
            Self::Namespace => "namespaces",
            Self::Event => "events",
        }
    }

    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::CustomImage => "CustomImage",
            Self::Lease => "Lease",
            Self::Namespace => "Namespace",
            Self::Event => "Event",
        }
    }

    /// All of them have the version v1.
    #[must_use]
    pub fn api_version(self) -> String {
        match self.group() {
            "" => "v1".to_owned(),
            group => format!("{group}/v1"),
        }
    }

    #[must_use]
    pub fn is_namespaced(self) -> bool {
        self != Self::Namespace
    }

    /// Whether a CRD defines it.
    pub(super) fn is_custom(self) -> bool {
        self == Self::CustomImage
    }

    /// The resource with this group and plural.
    pub(super) fn find(group: &str, plural: &str) -> Option<Self> {
        let all = [Self::CustomImage, Self::Lease, Self::Namespace, Self::Event];
        all.into_iter().find(|resource| resource.group() == group && resource.plural() == plural)
    }

    /// As errors name the resource.
    pub(super) fn qualified(self) -> String {
        match self.group() {
            "" => self.plural().to_owned(),
            group => format!("{}.{group}", self.plural()),
        }
    }

    /// As errors about invalid fields name the resource.
    pub(super) fn kind_and_group(self) -> String {
        match self.group() {
            "" => self.kind().to_owned(),
            group => format!("{}.{group}", self.kind()),
        }
    }

    /// The folder of its objects in etcd.
    pub(super) fn registry(self) -> &'static str {
        match self {
            Self::CustomImage => "parallelcluster.dev/customimages",
            Self::Lease => "leases",
            Self::Namespace => "namespaces",
            Self::Event => "events",
        }
    }

    /// The key of an object: the end of its key in etcd, so that lists have etcd's order.
    pub(super) fn key(self, namespace: &str, name: &str) -> String {
        match self.is_namespaced() {
            true => format!("{namespace}/{name}"),
            false => name.to_owned(),
        }
    }

    /// An object without content.
    pub(super) fn empty(self) -> Value {
        json!({"apiVersion": self.api_version(), "kind": self.kind(), "metadata": Map::new()})
    }
}

/// A text of an object's metadata, or an empty one.
pub(super) fn meta<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().unwrap_or_default()
}

/// The resourceVersion of an object. 0 if it has none.
#[must_use]
pub fn version_of(object: &Value) -> u64 {
    meta(object, "resourceVersion").parse().unwrap_or(0)
}
