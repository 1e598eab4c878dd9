//! Nothing is left after a cluster's owner is killed, is terminated, loses its standard input, or stops the cluster.

use std::process::Command;

use cluster::Cluster;

use crate::process::{LocalCluster, local_cluster, runs, wait_until};

#[tokio::test]
async fn daemons_of_a_killed_owner_end_and_the_next_start_removes_its_directory() {
    let mut owner = LocalCluster::start(&mut local_cluster());
    let (daemons, directory) = (owner.daemons(), owner.kubeconfig.parent().unwrap().to_owned());
    owner.child.kill().unwrap(); // SIGKILL
    wait_until("etcd and kube-apiserver are gone", || !daemons.iter().any(|pid| runs(*pid)));
    let _next = Cluster::start().await.unwrap();
    assert!(!directory.exists());
}

#[test]
fn a_terminated_owner_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let copy = home.path().join("kubeconfig");
    let mut owner = LocalCluster::start(local_cluster().env("TMPDIR", home.path()).arg("--kubeconfig-out").arg(&copy));
    assert_eq!(owner.kubeconfig, copy);
    assert!(std::fs::read_to_string(&copy).unwrap().contains(&owner.server));
    let daemons = owner.daemons();
    let terminated = Command::new("kill").arg(owner.child.id().to_string()).status().unwrap();
    assert!(terminated.success() && owner.child.wait().unwrap().success());
    assert!(!daemons.iter().any(|pid| runs(*pid)));
    let left: Vec<_> = std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [root] = left.as_slice() else { panic!("{left:?}") };
    let left: Vec<_> = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["lock"]);
}

#[test]
fn the_end_of_standard_input_stops_an_owner_with_stdin_lifeline() {
    let mut owner = LocalCluster::start(local_cluster().arg("--stdin-lifeline"));
    let daemons = owner.daemons();
    drop(owner.stdin.take());
    assert!(owner.child.wait().unwrap().success());
    assert!(!daemons.iter().any(|pid| runs(*pid)));
}

#[tokio::test]
async fn a_stopped_cluster_leaves_no_directory_and_no_process() {
    let cluster = Cluster::start().await.unwrap();
    let (pids, directory) = (cluster.pids(), cluster.directory().to_owned());
    assert_eq!(pids.len(), 2);
    cluster.stop();
    assert!(!directory.exists());
    assert!(!pids.into_iter().any(runs));
}
