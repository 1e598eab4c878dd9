//! The rights that the operator needs at the API server, and what the API server says about them, its version and the
//! CRD.

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};
use std::fmt;

const GROUP: &str = "parallelcluster.dev";

/// One right: a verb on a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    pub verb: &'static str,
    group: &'static str,
    resource: &'static str,
    subresource: Option<&'static str>,
    name: Option<String>,
    /// `None`: all namespaces.
    namespace: Option<String>,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if let Some(subresource) = self.subresource {
            write!(f, "/{subresource}")?;
        }
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in {namespace}"),
            None => write!(f, " in all namespaces"),
        }
    }
}

impl Right {
    /// To list the Leases of all namespaces. The operator does not need it.
    #[must_use]
    pub fn list_leases() -> Self {
        let (verb, group, resource) = ("list", "coordination.k8s.io", "leases");
        Self { verb, group, resource, subresource: None, name: None, namespace: None }
    }
}

/// The settings that decide which rights the operator needs.
#[derive(Clone, Debug)]
pub struct Needs {
    /// The namespaces in which CustomImages are watched. Empty: all.
    pub namespaces: Vec<String>,
    /// The name of the Lease. `None`: no leader election.
    pub lease: Option<String>,
    /// The operator's own namespace. The Lease is there.
    pub own_namespace: String,
    /// Whether the labels of namespaces are watched.
    pub namespace_labels: bool,
    /// Whether callers of the HTTP interface are asked about.
    pub callers: bool,
}

/// All rights that the operator needs, each once.
#[must_use]
pub fn needed(needs: &Needs) -> Vec<Right> {
    let everywhere = vec![None];
    let named = || needs.namespaces.iter().cloned().map(Some).collect();
    let places: Vec<Option<String>> = if needs.namespaces.is_empty() { everywhere } else { named() };
    let mut rights = Vec::new();
    for namespace in places {
        let right = |verb, group, resource, subresource| Right {
            verb,
            group,
            resource,
            subresource,
            name: None,
            namespace: namespace.clone(),
        };
        rights.extend(["list", "watch"].map(|verb| right(verb, GROUP, "customimages", None)));
        rights.extend(["patch", "update"].map(|verb| right(verb, GROUP, "customimages", Some("status"))));
        rights.extend(["create", "patch"].map(|verb| right(verb, "events.k8s.io", "events", None)));
    }
    for (verb, is_named) in [("create", false), ("get", true), ("update", true)] {
        let Some(lease) = &needs.lease else { break };
        let (name, namespace) = (is_named.then(|| lease.clone()), Some(needs.own_namespace.clone()));
        rights.push(Right {
            verb,
            group: "coordination.k8s.io",
            resource: "leases",
            subresource: None,
            name,
            namespace,
        });
    }
    if needs.namespace_labels {
        let right =
            |verb| Right { verb, group: "", resource: "namespaces", subresource: None, name: None, namespace: None };
        rights.extend(["list", "watch"].map(right));
    }
    if needs.callers {
        let reviews = [("authentication.k8s.io", "tokenreviews"), ("authorization.k8s.io", "subjectaccessreviews")];
        rights.extend(reviews.map(|(group, resource)| Right {
            verb: "create",
            group,
            resource,
            subresource: None,
            name: None,
            namespace: None,
        }));
    }
    rights
}

/// Whether the API server grants `right` to this client.
///
/// # Errors
/// If the API server does not answer or refuses the review.
pub async fn is_allowed(client: &Client, right: &Right) -> Result<bool, kube::Error> {
    let attributes = ResourceAttributes {
        verb: Some(right.verb.to_owned()),
        group: Some(right.group.to_owned()),
        resource: Some(right.resource.to_owned()),
        subresource: right.subresource.map(str::to_owned),
        name: right.name.clone(),
        namespace: right.namespace.clone(),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() };
    let review = SelfSubjectAccessReview { spec, ..Default::default() };
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let review = reviews.create(&PostParams::default(), &review).await?;
    Ok(review.status.is_some_and(|status| status.allowed))
}

/// What the operator needs to know about the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub version: String,
    /// Whether the version is at least 1.32.
    pub is_recent: bool,
    /// Whether the CRD is installed.
    pub serves_customimages: bool,
}

/// The oldest minor version of Kubernetes 1 that supports the CRD's schema and selectable fields.
const OLDEST_MINOR: u32 = 32;

/// Reads the version and the resources of the API server.
///
/// # Errors
/// If the API server does not answer or refuses one of the reads.
pub async fn server(client: &Client) -> Result<Server, kube::Error> {
    let version = client.apiserver_version().await?;
    let minor = version.minor.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0);
    let is_recent = version.major != "1" || minor >= OLDEST_MINOR;
    let serves_customimages = match client.list_api_group_resources(&format!("{GROUP}/v1")).await {
        Ok(resources) => resources.resources.iter().any(|resource| resource.name == "customimages"),
        Err(kube::Error::Api(answer)) if answer.code == 404 => false,
        Err(error) => return Err(error),
    };
    Ok(Server { version: version.git_version, is_recent, serves_customimages })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_watched_namespace_needs_its_rights_and_the_lease_is_named() {
        let needs = Needs {
            namespaces: vec!["a".into(), "b".into()],
            lease: Some("leader".into()),
            own_namespace: "system".into(),
            namespace_labels: true,
            callers: true,
        };
        let rights: Vec<String> = needed(&needs).iter().map(ToString::to_string).collect();
        assert_eq!(rights.len(), 2 * 6 + 3 + 2 + 2);
        for right in [
            "list customimages in a",
            "update customimages/status in b",
            "patch events in b",
            "create leases in system",
            "update leases leader in system",
            "watch namespaces in all namespaces",
            "create tokenreviews in all namespaces",
        ] {
            assert!(rights.iter().any(|each| each == right), "{right}: {rights:?}");
        }
    }
}
