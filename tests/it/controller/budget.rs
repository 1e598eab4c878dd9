use crate::support::lab::{Lab, REGION};
use crate::support::world::{build, image, stack, world};
use crate::support::{eventually, run};
use serde_json::json;
use simulator::Limit;

/// A quarter of 100 a second and 40 at once, and a little for the way.
const SHARE: Limit = Limit { burst: 12.0, per_second: 25.0 };

#[test]
fn a_fleet_that_builds_keeps_to_its_share_of_each_limit_and_an_available_image_does_not_wait_for_it() {
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
        eventually("far more is wanted than the share", || async {
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
