use crate::support::lab::{Lab, REGION};
use crate::support::operator::Operator;
use crate::support::world::image;
use crate::support::{eventually, run};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;

/// Short times, so that a takeover is a matter of seconds.
const ELECTION: [(&str, &str); 4] = [
    ("CUSTOMIMAGE_LEADER_ELECTION", "true"),
    ("CUSTOMIMAGE_LEASE_DURATION", "3s"),
    ("CUSTOMIMAGE_LEASE_RENEW_DEADLINE", "2s"),
    ("CUSTOMIMAGE_LEASE_RETRY_PERIOD", "200ms"),
];

/// A leader that has seen `hpc`, and a standby that is ready.
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
    eventually("the other leads", || async {
        let asked = calls(operator).await;
        if asked > 0.0 { Ok(()) } else { Err(format!("{asked} calls; {:?}", operator.log())) }
    })
    .await;
    lab.aws.world(|world| world.images.push(image("later", REGION)));
    lab.create("later", serde_json::json!({})).await;
    lab.ready("later", "True", "ImageAvailable").await;
}

#[test]
fn a_standby_is_ready_and_asks_aws_nothing_until_the_leader_hands_over() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let (leader, standby) = leader_and_standby(&lab).await;
        let before = calls(&leader).await;
        eventually("the leader looks on", || async {
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
                "the leader tells"
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
fn a_killed_leader_is_followed_when_its_lease_is_over() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let (leader, standby) = leader_and_standby(&lab).await;
        // Dropping kills it: the lease is not released.
        drop(leader);
        is_led_by(&lab, &standby).await;
    });
}

#[test]
fn a_leader_that_is_deposed_ends_at_once() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let leader = lab.operator(&ELECTION).await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        let leases: Api<Lease> = Api::namespaced(lab.client.clone(), "default");
        let usurped = serde_json::json!({"spec": {"holderIdentity": "somebody-else", "leaseDurationSeconds": 60}});
        let name = format!("customimage-operator.{}", lab.namespace);
        leases.patch(&name, &Default::default(), &kube::api::Patch::Merge(usurped)).await.unwrap();
        assert_eq!(leader.ended().await, 1);
    });
}
