//! A cluster in use: users, rights, an API server that restarts, the controller manager.

use std::{net::TcpStream, thread, time::Instant};

use cluster::{Cluster, Options};

use crate::process::{kubectl, kubectl_ok, wait_until};

/// Tests can share a cluster through a static. Its processes then end with the test binary, and the next start removes
/// its directory.
const _: () = can_be_shared::<Cluster>();
const fn can_be_shared<T: Send + Sync + 'static>() {}

#[tokio::test]
async fn a_started_cluster_is_ready() {
    let begin = Instant::now();
    let cluster = Cluster::start().await.unwrap();
    println!("started in {:?}", begin.elapsed());
    assert_eq!(kubectl_ok(cluster.kubeconfig_path(), &["get", "--raw", "/readyz"]), "ok");
    assert!(kubectl_ok(cluster.kubeconfig_path(), &["version"]).contains("Server Version: v1."));
}

#[tokio::test]
async fn two_clusters_share_nothing() {
    let (one, other) = tokio::try_join!(Cluster::start(), Cluster::start()).unwrap();
    assert_ne!(one.server(), other.server());
    kubectl_ok(one.kubeconfig_path(), &["create", "namespace", "only-here"]);
    kubectl_ok(one.kubeconfig_path(), &["get", "namespace", "only-here"]);
    let missing = kubectl(other.kubeconfig_path(), &["get", "namespace", "only-here"]);
    assert!(String::from_utf8_lossy(&missing.stderr).contains("NotFound"));
}

#[tokio::test]
async fn another_user_has_its_name_and_groups_and_no_rights_until_rbac_grants_some() {
    let cluster = Cluster::start().await.unwrap();
    let jane = cluster.kubeconfig_for("jane", &["viewers", "auditors"]).unwrap();
    let who = kubectl_ok(&jane, &["auth", "whoami", "-o", "jsonpath={.status.userInfo['username','groups']}"]);
    assert_eq!(who, r#"jane ["viewers","auditors","system:authenticated"]"#);
    let forbidden = kubectl(&jane, &["get", "configmaps"]);
    assert!(String::from_utf8_lossy(&forbidden.stderr).contains(r#"User "jane" cannot list resource "configmaps""#));
    let admin = cluster.kubeconfig_path();
    kubectl_ok(admin, &["create", "clusterrole", "lists", "--verb=list", "--resource=configmaps"]);
    kubectl_ok(admin, &["create", "clusterrolebinding", "lists", "--clusterrole=lists", "--group=auditors"]);
    wait_until("the authorizer has the binding", || kubectl(&jane, &["get", "configmaps"]).status.success());
}

#[tokio::test]
async fn a_killed_apiserver_refuses_connections_and_restarts_with_its_data() {
    let mut cluster = Cluster::start().await.unwrap();
    kubectl_ok(cluster.kubeconfig_path(), &["create", "namespace", "kept"]);
    let address = cluster.server().strip_prefix("https://").unwrap().to_owned();
    cluster.kill_apiserver();
    assert!(TcpStream::connect(&address).is_err());
    cluster.start_apiserver().await.unwrap();
    kubectl_ok(cluster.kubeconfig_path(), &["get", "namespace", "kept"]);
}

#[test]
fn a_cluster_outlives_the_thread_that_started_it() {
    let start = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(Cluster::start()).unwrap()
    };
    let cluster = thread::spawn(start).join().unwrap();
    assert_eq!(kubectl_ok(cluster.kubeconfig_path(), &["get", "--raw", "/readyz"]), "ok");
}

#[tokio::test]
async fn the_controller_manager_creates_service_accounts() {
    let cluster = Cluster::start_with(Options { controller_manager: true, ..Options::default() }).await.unwrap();
    kubectl_ok(cluster.kubeconfig_path(), &["get", "serviceaccount", "default"]);
    assert_eq!(cluster.pids().len(), 3);
}
