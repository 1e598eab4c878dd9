use crate::support::faulty_server::FaultyServer;
use crate::support::lab::{Lab, REGION};
use crate::support::operator::Operator;
use crate::support::world::image;
use crate::support::{eventually, run};
use axum::http::StatusCode;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Short times, so that a takeover takes seconds.
const ELECTION: [(&str, &str); 4] = [
    ("CUSTOMIMAGE_LEADER_ELECTION", "true"),
    ("CUSTOMIMAGE_LEASE_DURATION", "3s"),
    ("CUSTOMIMAGE_LEASE_RENEW_DEADLINE", "2s"),
    ("CUSTOMIMAGE_LEASE_RETRY_PERIOD", "200ms"),
];

/// A leader that has observed `hpc`, and a standby that is ready.
async fn leader_and_standby(lab: &Lab) -> (Operator, Operator) {
    let leader = lab.operator(&ELECTION).await;
    lab.ready("hpc", "True", "ImageAvailable").await;
    let standby = lab.operator(&ELECTION).await;
    eventually("the standby is ready", || async {
        let (code, why) = standby.get("/readyz").await;
        if code == 200 { Ok(()) } else { Err(why) }
    })
    .await;
    (leader, standby)
}

async fn calls(operator: &Operator) -> f64 {
    operator
        .metric("customimage_aws_calls_total{service=\"EC2\",operation=\"DescribeImages\",outcome=\"success\"}")
        .await
}

async fn is_led_by(lab: &Lab, operator: &Operator) {
    eventually("the other one leads", || async {
        let count = calls(operator).await;
        if count > 0.0 { Ok(()) } else { Err(format!("{count} calls; {:?}", operator.log())) }
    })
    .await;
    lab.aws.world(|world| world.images.push(image("later", REGION)));
    lab.create("later", serde_json::json!({})).await;
    lab.ready("later", "True", "ImageAvailable").await;
}

#[test]
fn a_standby_is_ready_and_calls_aws_only_after_the_leader_hands_over() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let (leader, standby) = leader_and_standby(&lab).await;
        let before = calls(&leader).await;
        eventually("the leader keeps reading", || async {
            let now = calls(&leader).await;
            if now >= before + 5.0 { Ok(()) } else { Err(now.to_string()) }
        })
        .await;
        assert_eq!(calls(&standby).await, 0.0);
        for (operator, expected) in [(&leader, 1.0), (&standby, 0.0)] {
            let objects = operator.metric("customimage_objects{reason=\"ImageAvailable\"}").await;
            assert_eq!(
                (operator.metric("customimage_leader").await, objects),
                (expected, expected),
                "only the leader counts objects"
            );
        }

        assert_eq!(leader.terminate().await, 0);
        let leases: Api<Lease> = Api::namespaced(lab.client.clone(), "default");
        let lease = leases.get(&format!("customimage-operator.{}", lab.namespace)).await.unwrap();
        assert!(lease.spec.is_some());
        is_led_by(&lab, &standby).await;
    });
}

#[test]
fn a_standby_takes_over_from_a_killed_leader_when_the_lease_expires() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let (leader, standby) = leader_and_standby(&lab).await;
        // Dropping kills the process, so the Lease is not released.
        drop(leader);
        is_led_by(&lab, &standby).await;
    });
}

#[test]
fn a_leader_that_loses_its_lease_exits() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let leader = lab.operator(&ELECTION).await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        let leases: Api<Lease> = Api::namespaced(lab.client.clone(), "default");
        let taken = serde_json::json!({"spec": {"holderIdentity": "another-replica", "leaseDurationSeconds": 60}});
        let name = format!("customimage-operator.{}", lab.namespace);
        leases.patch(&name, &Default::default(), &kube::api::Patch::Merge(taken)).await.unwrap();
        assert_eq!(leader.ended().await, 1);
    });
}

/// An operator behind `server`, with short times.
async fn candidate(lab: &Lab, server: &FaultyServer) -> Operator {
    lab.operator_behind(server, &ELECTION).await
}

async fn has_struck(server: &FaultyServer, times: usize) {
    eventually(&format!("the server has answered {times} times by itself"), || async {
        let struck = server.struck();
        if struck >= times { Ok(()) } else { Err(struck.to_string()) }
    })
    .await;
}

#[test]
fn a_leader_that_meets_a_conflict_at_its_lease_goes_on_while_it_is_still_the_holder() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let server = FaultyServer::start(lab.client.clone()).await;
        let leader = candidate(&lab, &server).await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        let puts = AtomicUsize::new(0);
        server.answer(move |method, path| {
            let is_renewal = method == "PUT" && path.contains("/leases/");
            (is_renewal && puts.fetch_add(1, Ordering::Relaxed) < 3).then_some(StatusCode::CONFLICT)
        });
        has_struck(&server, 3).await;
        lab.aws.world(|world| world.images.push(image("later", REGION)));
        lab.create("later", serde_json::json!({})).await;
        lab.ready("later", "True", "ImageAvailable").await;
        assert_eq!(leader.metric("customimage_leader").await, 1.0);
        assert_eq!(leader.terminate().await, 0);
    });
}

#[test]
fn a_lease_that_is_refused_is_told_once_and_taken_when_it_is_allowed() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let server = FaultyServer::start(lab.client.clone()).await;
        server.answer(|_, path| path.contains("/leases/").then_some(StatusCode::FORBIDDEN));
        let operator = candidate(&lab, &server).await;
        has_struck(&server, 6).await;
        server.heal();
        lab.ready("hpc", "True", "ImageAvailable").await;
        let told = (operator.logged("lease not written").await, operator.logged("can be written again").await);
        assert_eq!(told, (1, 1), "{:?}", operator.log());
    });
}
