//! Callers, their rights, and why they are refused.

use k8s_openapi::api::authorization::v1::{NonResourceAttributes, ResourceAttributes};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The API group of the virtual resource `images`.
const GROUP: &str = "parallelcluster.dev";

/// Why a caller is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The API server does not know the token, or knows it for another audience.
    Unauthenticated(Arc<str>),
    /// The caller has no such right.
    Forbidden,
    /// The API server has not answered.
    Unavailable(Arc<str>),
    /// Too many callers whom nobody knows yet ask at once.
    Busy,
}

/// For which audience a token must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The interface's own.
    Interface,
    /// The API server's own, as in a token that Prometheus has.
    ApiServer,
}

/// A right of callers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// A verb on the virtual resource `images`. No object of it exists, and no right on another resource contains it.
    Images { verb: &'static str, subresource: Option<&'static str>, namespace: String, name: Option<String> },
    /// To read /metrics.
    Metrics,
}

/// What the API server says of somebody whom it knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Caller {
    pub name: Arc<str>,
    pub(super) uid: Option<String>,
    pub(super) groups: Vec<String>,
    pub(super) extra: BTreeMap<String, Vec<String>>,
}

impl Right {
    /// The same right to all images, if this one names one.
    pub(super) fn to_all(&self) -> Option<Self> {
        match self {
            Self::Images { verb, subresource, namespace, name: Some(_) } => {
                let namespace = namespace.clone();
                Some(Self::Images { verb, subresource: *subresource, namespace, name: None })
            }
            Self::Images { .. } | Self::Metrics => None,
        }
    }

    pub(super) fn resource(&self) -> Option<ResourceAttributes> {
        let Self::Images { verb, subresource, namespace, name } = self else { return None };
        Some(ResourceAttributes {
            verb: Some((*verb).to_owned()),
            group: Some(GROUP.to_owned()),
            resource: Some("images".to_owned()),
            subresource: subresource.map(str::to_owned),
            namespace: Some(namespace.clone()),
            name: name.clone(),
            ..ResourceAttributes::default()
        })
    }

    pub(super) fn non_resource(&self) -> Option<NonResourceAttributes> {
        let attributes = NonResourceAttributes { verb: Some("get".to_owned()), path: Some("/metrics".to_owned()) };
        (*self == Self::Metrics).then_some(attributes)
    }
}
