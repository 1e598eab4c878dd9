use crate::support::lab::{Lab, REGION};
use crate::support::world::{build, image, stack, world};
use crate::support::{eventually, run};
use serde_json::json;
use simulator::Limit;

/// 25 % of 100 calls per second and of a burst of 40. The burst has 10 more, because on a busy machine calls arrive closer
/// together than they were sent. The exact bound is held by the simulation, in virtual time.
const SHARE: Limit = Limit { burst: 20.0, per_second: 25.0 };

#[test]
fn many_builds_stay_within_the_budget_of_each_api_and_do_not_delay_an_available_image() {
    run(async {
        let mut world = world(REGION);
        for n in 0..60 {
            let id = format!("hpc-{n}");
            world.stacks.push(stack(&id, REGION, "CREATE_IN_PROGRESS"));
            world.image_build_versions.push(build(&id, REGION, "BUILDING"));
        }
        for call in ["cloudformation:DescribeStacks", "cloudformation:DescribeStackResource", "imagebuilder:GetImage"] {
            world.limits.insert(call.to_owned(), SHARE);
        }
        let lab = Lab::new(world).await;
        for n in 0..60 {
            lab.create(&format!("hpc-{n}"), json!({})).await;
        }
        let share = [
            ("CUSTOMIMAGE_AWS_BUDGET", "25"),
            ("CUSTOMIMAGE_AWS_ASSUMED_RATE", "100"),
            ("CUSTOMIMAGE_AWS_ASSUMED_BURST", "40"),
        ];
        let operator = lab.operator(&share).await;
        eventually("far more calls than the burst", || async {
            let calls = lab.aws.count("imagebuilder", "GetImage");
            if calls >= 120 { Ok(()) } else { Err(calls.to_string()) }
        })
        .await;
        lab.aws.world(|world| world.images.push(image("there", REGION)));
        lab.create("there", json!({})).await;
        lab.ready("there", "True", "ImageAvailable").await;
        lab.ready("hpc-59", "False", "Building").await;
        let (_, metrics) = operator.get("/metrics").await;
        let throttled: Vec<_> = metrics.lines().filter(|line| line.contains("outcome=\"throttled\"")).collect();
        assert!(throttled.is_empty(), "{throttled:?}");
    });
}
