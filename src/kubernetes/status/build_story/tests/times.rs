//! When a build began, when its phases did, and when it ended.

use super::*;

#[test]
fn a_build_that_was_followed_has_its_phases_its_log_and_its_duration() {
    let mut life = Life::new();
    let times = |life: &Life| {
        let build = life.status.build.clone().unwrap();
        let minute = |time: Option<Time>| time.map(|time| (time.0.as_second() - at(0).as_second()) / 60);
        let phase = life.status.phase.clone();
        (
            phase,
            minute(build.phase_started_at),
            minute(build.started_at),
            minute(build.ended_at),
            build.duration_seconds,
        )
    };
    let phase = |name: &str| Some(name.to_owned());
    life.sees(stack(STACK, "CREATE_IN_PROGRESS", None));
    assert_eq!(times(&life), (None, None, Some(-60), None, None));
    assert_eq!(life.status.build.clone().unwrap().log_group, None, "it has not begun");
    for _ in 0..2 {
        life.sees(stack(STACK, "CREATE_IN_PROGRESS", build(BUILD, "BUILDING")));
        assert_eq!(times(&life), (phase("BUILDING"), Some(20), Some(-60), None, None));
    }
    let log = life.status.build.clone().unwrap();
    assert_eq!(log.log_group.as_deref(), Some("/aws/imagebuilder/ParallelClusterImage-hpc"));
    assert_eq!(log.log_stream.as_deref(), Some("3.16.1/1"));
    life.sees(stack(STACK, "CREATE_IN_PROGRESS", build(BUILD, "TESTING")));
    assert_eq!(times(&life), (phase("TESTING"), Some(40), Some(-60), None, None));
    life.sees(stack(STACK, "CREATE_COMPLETE", build(BUILD, "AVAILABLE")));
    assert_eq!(times(&life), (phase("AVAILABLE"), Some(50), Some(-60), Some(50), Some(110 * 60)));
    for _ in 0..2 {
        life.sees(ami("available", 55, Some(BUILD)));
        assert_eq!(times(&life), (phase("AVAILABLE"), Some(50), Some(-60), Some(50), Some(110 * 60)));
    }
    life.sees(nothing());
    assert_eq!(times(&life), (None, None, Some(-60), Some(50), Some(110 * 60)), "the story stays");
    life.sees(stack(("arn:stack/hpc/2", 85), "CREATE_IN_PROGRESS", None));
    assert_eq!(times(&life), (None, None, Some(85), None, None), "another build");
}

#[test]
fn the_end_of_a_build_that_was_not_followed_is_unknown() {
    for finished in [
        ami("available", -10, Some(BUILD)),
        stack(STACK, "CREATE_FAILED", failed(BUILD)),
        stack(STACK, "DELETE_IN_PROGRESS", None),
    ] {
        let mut life = Life::new();
        life.sees(finished.clone()).sees(finished);
        let build = life.status.build.clone().unwrap();
        assert_eq!((build.ended_at, build.duration_seconds), (None, None));
    }
}

#[test]
fn a_build_ends_however_it_ends() {
    for end in [
        stack(STACK, "CREATE_IN_PROGRESS", failed(BUILD)),
        stack(STACK, "CREATE_IN_PROGRESS", build(BUILD, "CANCELLED")),
        stack(STACK, "CREATE_FAILED", None),
        stack(STACK, "ROLLBACK_IN_PROGRESS", build(BUILD, "BUILDING")),
        stack(STACK, "DELETE_IN_PROGRESS", None),
        ami("available", 15, Some(BUILD)),
        nothing(),
    ] {
        let mut life = Life::new();
        life.sees(stack(STACK, "CREATE_IN_PROGRESS", build(BUILD, "BUILDING"))).sees(end.clone());
        let ended_at = life.status.build.clone().unwrap().ended_at;
        assert_eq!(ended_at, Some(Time(at(20))), "{end:?}");
        life.sees(end);
        assert_eq!(life.status.build.clone().unwrap().ended_at, ended_at);
    }
}
