//! Where the binaries come from.

use std::{os::unix::fs::symlink, path::PathBuf};

use crate::process::{LocalCluster, children, local_cluster, program, script};

const ASSETS: &str = "KUBEBUILDER_ASSETS";

#[test]
fn kubebuilder_assets_are_used_when_set() {
    let assets = tempfile::tempdir().unwrap();
    let real = std::env::var_os(ASSETS).map_or_else(|| script("build"), PathBuf::from);
    for name in ["etcd", "kube-apiserver"] {
        symlink(real.join(name), assets.path().join(name)).unwrap();
    }
    let cluster = LocalCluster::start(local_cluster().env(ASSETS, assets.path()));
    let mut programs: Vec<_> = children(cluster.child.id()).into_iter().map(program).collect();
    programs.sort();
    assert_eq!(programs, [assets.path().join("etcd"), assets.path().join("kube-apiserver")]);
}

#[test]
fn a_missing_binary_is_named_with_the_next_step() {
    let assets = tempfile::tempdir().unwrap();
    let output = local_cluster().env(ASSETS, assets.path()).output().unwrap();
    assert!(!output.status.success());
    let message = String::from_utf8(output.stderr).unwrap();
    let expected = format!(
        "local-cluster: {ASSETS} is {}, which has no executable etcd; next step: put etcd there, or unset {ASSETS} to have it built",
        assets.path().display()
    );
    assert!(message.starts_with(&expected), "{message}");
}

#[test]
fn without_go_the_build_names_the_next_step() {
    let (cache, tools) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for tool in ["bash", "dirname", "sed", "cat", "sha256sum", "cut", "uname"] {
        let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
            .map(|directory| directory.join(tool))
            .find(|path| path.is_file());
        symlink(found.unwrap(), tools.path().join(tool)).unwrap();
    }
    let output = local_cluster()
        .env_remove(ASSETS)
        .env("XDG_CACHE_HOME", cache.path())
        .env("PATH", tools.path())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("the go command is not on PATH"), "{message}");
    assert!(message.contains("next step: install Go 1.26 or newer, or set KUBEBUILDER_ASSETS"), "{message}");
}
