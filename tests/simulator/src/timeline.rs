//! Scheduled changes of the world: applies timeline events and build steps in order of time.

mod life;
mod scene;

use crate::world::{Event, World};
use scene::Scene;

enum Due {
    Event(Event),
    /// The index of a build and the number of its step.
    Step(usize, usize),
}

/// Applies everything that is due at `elapsed` (world seconds). `written` formats world seconds as AWS's timestamp.
pub(crate) fn catch_up(world: &mut World, elapsed: f64, written: impl Fn(f64) -> String) {
    let mut due = due_events(world, elapsed);
    due.extend(due_steps(world, elapsed));
    due.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut due = due.into_iter().peekable();
    while let Some((at, what)) = due.next() {
        match what {
            // An invalid event is dropped, because there is no caller to return the error to.
            Due::Event(event) => drop(world.apply(event.action, &written(at))),
            Due::Step(build, step) => {
                let builds = std::mem::take(&mut world.builds);
                let mut scene = Scene::of(world);
                life::take(&mut scene, &builds[build], step, &written(at));
                while let Some((at, Due::Step(build, step))) = due.next_if(|(_, what)| matches!(what, Due::Step(..))) {
                    life::take(&mut scene, &builds[build], step, &written(at));
                }
                world.builds = builds;
            }
        }
    }
    world.builds.retain(|build| build.steps_done < life::steps(build).len());
}

/// The time of the next change in world seconds; infinity if there is none.
pub(crate) fn next_change(world: &World) -> f64 {
    let events = world.timeline.iter().map(|event| event.at);
    let builds = world
        .builds
        .iter()
        .filter_map(|build| Some(build.started? + life::steps(build).get(build.steps_done)?.at * build.seconds));
    events.chain(builds).fold(f64::INFINITY, f64::min)
}

fn due_events(world: &mut World, elapsed: f64) -> Vec<(f64, Due)> {
    if world.timeline.iter().all(|event| event.at > elapsed) {
        return Vec::new();
    }
    let (due, later) = std::mem::take(&mut world.timeline).into_iter().partition(|event| event.at <= elapsed);
    world.timeline = later;
    let due: Vec<Event> = due;
    due.into_iter().map(|event| (event.at, Due::Event(event))).collect()
}

fn due_steps(world: &mut World, elapsed: f64) -> Vec<(f64, Due)> {
    let mut due = Vec::new();
    for (index, build) in world.builds.iter_mut().enumerate() {
        let Some(started) = build.started else {
            continue;
        };
        while let Some(step) = life::steps(build).get(build.steps_done) {
            let at = started + step.at * build.seconds;
            if at > elapsed {
                break;
            }
            due.push((at, Due::Step(index, build.steps_done)));
            build.steps_done += 1;
        }
    }
    due
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Action, Build, Image, Outcome};

    fn world_of(outcome: Outcome) -> World {
        let build = Build { image_id: "img".into(), seconds: 100.0, outcome, started: Some(10.0), ..Build::default() };
        let mut world = World { builds: vec![build], ..World::default() };
        world.settle().unwrap();
        world
    }

    fn at(world: &mut World, seconds: f64) -> [String; 3] {
        catch_up(world, seconds, |at| format!("t{at}"));
        let stack = world.stacks.first().and_then(|stack| stack.status.clone());
        let version = world.image_build_versions.first().and_then(|version| version.status.clone());
        let ami = world
            .images
            .first()
            .map(|image| image.tag("parallelcluster:build_status").unwrap_or("untagged").to_owned());
        [stack, version, ami].map(Option::unwrap_or_default)
    }

    #[test]
    fn a_successful_build_ends_as_a_tagged_ami_and_a_deleted_stack() {
        let mut world = world_of(Outcome::Available);
        assert_eq!(at(&mut world, 9.0), ["", "", ""]);
        assert_eq!(at(&mut world, 10.0), ["CREATE_IN_PROGRESS", "", ""]);
        assert_eq!(at(&mut world, 13.0), ["CREATE_IN_PROGRESS", "PENDING", ""]);
        assert_eq!(at(&mut world, 50.0), ["CREATE_IN_PROGRESS", "BUILDING", ""]);
        assert_eq!(at(&mut world, 104.5), ["CREATE_COMPLETE", "AVAILABLE", "available"]);
        assert_eq!(at(&mut world, 106.0), ["DELETE_IN_PROGRESS", "AVAILABLE", "available"]);
        assert_eq!(at(&mut world, 110.0), ["DELETE_COMPLETE", "AVAILABLE", "available"]);
        assert!(world.builds.is_empty());
    }

    #[test]
    fn one_jump_of_the_clock_ends_a_build_like_many_small_steps() {
        let (mut watched, mut jumped) = (world_of(Outcome::RolledBack), world_of(Outcome::RolledBack));
        for second in 0..200 {
            at(&mut watched, f64::from(second));
        }
        assert_eq!(at(&mut watched, 200.0), at(&mut jumped, 200.0));
        assert_eq!(at(&mut jumped, 200.0), ["ROLLBACK_COMPLETE", "FAILED", ""]);
        assert_eq!(watched.stacks[0].creation_time, jumped.stacks[0].creation_time);
    }

    #[test]
    fn failed_and_orphaned_builds_end_as_in_aws() {
        assert_eq!(at(&mut world_of(Outcome::Failed), 200.0), ["CREATE_FAILED", "FAILED", ""]);
        assert_eq!(at(&mut world_of(Outcome::Cancelled), 200.0), ["CREATE_FAILED", "CANCELLED", ""]);
        assert_eq!(at(&mut world_of(Outcome::Orphan), 200.0), ["DELETE_COMPLETE", "AVAILABLE", "untagged"]);
        assert_eq!(at(&mut world_of(Outcome::Leak), 200.0), ["DELETE_FAILED", "AVAILABLE", "available"]);
        assert_eq!(at(&mut world_of(Outcome::Stuck), 1e9), ["CREATE_IN_PROGRESS", "BUILDING", ""]);
    }

    #[test]
    fn an_event_happens_once_and_is_removed_from_the_timeline() {
        let image = Image { ami_id: "ami-1".into(), ..Image::default() };
        let put = Event { at: 5.0, action: Action::PutImage(Box::new(image)) };
        let delete = Event { at: 6.0, action: Action::DeleteImage("ami-1".into()) };
        let mut world = World { timeline: vec![delete, put], ..World::default() };
        assert!(next_change(&world) < 5.1);
        catch_up(&mut world, 5.5, |_| String::new());
        assert_eq!((world.images.len(), world.timeline.len()), (1, 1));
        catch_up(&mut world, 6.0, |_| String::new());
        assert_eq!((world.images.len(), world.timeline.len()), (0, 0));
    }
}
