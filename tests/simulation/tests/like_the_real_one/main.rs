//! The API server in memory against a real kube-apiserver: the same seeded scripts of requests get the same answers, once
//! versions, uids and times are masked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod mask;
mod script;
mod sides;

use sides::Side;

/// Scripts, each with its own seed. SEED=… is the first of six others.
const SEEDS: std::ops::Range<u64> = 0..3;

/// Steps of one script.
const STEPS: usize = 250;

#[tokio::test]
async fn the_same_script_gets_the_same_answers() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cluster = cluster::Cluster::start().await.unwrap();
    let real = Side::real(&cluster).await;
    let memory = Side::in_memory();
    let seeds = std::env::var("SEED").map_or(SEEDS, |first| first.parse().map(|first| first..first + 6).unwrap());
    let mut differences = Vec::new();
    for seed in seeds {
        let (theirs, ours) = (script::run(&real, seed, STEPS).await, script::run(&memory, seed, STEPS).await);
        let mut pairs = theirs.iter().zip(&ours).enumerate();
        // The first difference of a script leads to others.
        if let Some((step, (theirs, ours))) = pairs.find(|(_, (theirs, ours))| theirs != ours) {
            differences.push(format!("seed {seed}, step {step}\n real: {theirs}\n ours: {ours}"));
        }
        assert!(!differences.is_empty() || theirs.len() == ours.len());
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
