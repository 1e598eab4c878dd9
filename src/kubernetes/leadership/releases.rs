//! Other releases of the operator, by their Leases. Two releases that watch the same namespaces undo each other's writes.

use crate::kubernetes::rights::{Right, is_allowed};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};
use std::net::SocketAddr;

/// The label of every release's Lease, and the annotation with the namespaces that it watches.
const LABEL: (&str, &str) = ("app.kubernetes.io/managed-by", "customimage-operator");
const NAMESPACES: &str = "parallelcluster.dev/namespaces";
/// The annotation with the address at which the holder serves the HTTP interface.
const ADDRESS: &str = "parallelcluster.dev/api-address";

/// Marks the Lease of a release that watches `namespaces` (empty: all), and whose holder serves the HTTP interface at
/// `address`.
pub fn mark(lease: &mut Lease, namespaces: &[String], address: Option<SocketAddr>) {
    lease.labels_mut().insert(LABEL.0.to_owned(), LABEL.1.to_owned());
    lease.annotations_mut().insert(NAMESPACES.to_owned(), namespaces.join(","));
    match address {
        Some(address) => lease.annotations_mut().insert(ADDRESS.to_owned(), address.to_string()),
        None => lease.annotations_mut().remove(ADDRESS),
    };
}

/// Where the holder of the Lease serves the HTTP interface.
pub fn address(lease: &Lease) -> Option<SocketAddr> {
    lease.annotations().get(ADDRESS)?.parse().ok()
}

/// The Leases, as `namespace/name`, of other living releases that watch one of `namespaces` (empty: all). `own` is the
/// namespace and the name of this release's Lease. `None` if the API server does not let this process list Leases.
///
/// # Errors
/// If the API server does not answer.
pub async fn beside(
    client: &Client,
    own: (&str, &str),
    namespaces: &[String],
    now: Timestamp,
) -> Result<Option<Vec<String>>, kube::Error> {
    if !is_allowed(client, &Right::list_leases()).await? {
        return Ok(None);
    }
    let leases: Api<Lease> = Api::all(client.clone());
    let marked = leases.list(&ListParams::default().labels(&format!("{}={}", LABEL.0, LABEL.1))).await?;
    let others =
        marked.items.iter().filter(|lease| is_other(lease, own) && watches(lease, namespaces) && lives(lease, now));
    Ok(Some(others.map(|lease| format!("{}/{}", lease.namespace().unwrap_or_default(), lease.name_any())).collect()))
}

fn is_other(lease: &Lease, (namespace, name): (&str, &str)) -> bool {
    (lease.namespace().as_deref(), lease.name_any().as_str()) != (Some(namespace), name)
}

fn watches(lease: &Lease, namespaces: &[String]) -> bool {
    let theirs = lease.annotations().get(NAMESPACES).map(String::as_str).unwrap_or_default();
    theirs.is_empty() || namespaces.is_empty() || theirs.split(',').any(|one| namespaces.iter().any(|our| our == one))
}

/// Whether the holder has renewed the Lease lately. The clocks of two machines may differ a little.
fn lives(lease: &Lease, now: Timestamp) -> bool {
    let Some(spec) = &lease.spec else { return false };
    let duration = SignedDuration::from_secs(spec.lease_duration_seconds.unwrap_or_default().into()) * 4;
    let is_held = spec.holder_identity.as_deref().is_some_and(|holder| !holder.is_empty());
    is_held && spec.renew_time.as_ref().is_some_and(|renewed| now.duration_since(renewed.0) < duration)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lease(namespace: &str, watched: &[&str], renewed: &str) -> Lease {
        let mut lease: Lease = serde_json::from_value(json!({
            "metadata": {"namespace": namespace, "name": "customimage-operator"},
            "spec": {"holderIdentity": "a", "leaseDurationSeconds": 15, "renewTime": renewed}
        }))
        .unwrap();
        mark(&mut lease, &watched.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), None);
        lease
    }

    #[test]
    fn a_living_release_that_shares_a_namespace_is_found() {
        let now = "2026-11-26T10:01:00Z".parse().unwrap();
        let ours = ["hpc".to_owned()];
        for (found, lease) in [
            (true, lease("b", &[], "2026-11-26T10:00:50.000000Z")),
            (true, lease("b", &["ml", "hpc"], "2026-11-26T10:00:50.000000Z")),
            (false, lease("b", &["ml"], "2026-11-26T10:00:50.000000Z")),
            (false, lease("b", &["hpc"], "2026-11-26T09:00:00.000000Z")),
            (false, lease("a", &["hpc"], "2026-11-26T10:00:50.000000Z")),
        ] {
            let own = ("a", "customimage-operator");
            assert_eq!(is_other(&lease, own) && watches(&lease, &ours) && lives(&lease, now), found, "{lease:?}");
        }
        assert!(watches(&lease("b", &["ml"], "2026-11-26T10:00:50.000000Z"), &[]), "we watch all namespaces");
    }
}
