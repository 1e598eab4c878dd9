//! From a seed to what happens: the images in AWS and their fates, the weather, the lives of the processes, and what users
//! do.

use std::time::Duration;

use fastrand::Rng;
use simulator::{Action, Build, ClockMode, ClockSetting, Event, Image, Outcome, Stack, Tag, World, aws_limits};

use crate::users::Deed;
use crate::weather::Weather;

pub const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];
pub const NAMESPACES: [&str; 3] = ["team-a", "team-b", "team-c"];

const OUTCOMES: [Outcome; 12] = [
    Outcome::Available,
    Outcome::Available,
    Outcome::Available,
    Outcome::Failed,
    Outcome::RolledBack,
    Outcome::Cancelled,
    Outcome::Orphan,
    Outcome::Leak,
    Outcome::Stuck,
    Outcome::Component,
    Outcome::Quota,
    Outcome::Distribution,
];

/// What happens to the operator's surroundings at one moment.
#[derive(Clone, Debug)]
pub enum Turn {
    /// The weather changes.
    Weather(Weather),
    /// A process is killed, and starts again.
    Crash(usize),
    /// A process gets SIGTERM, and another one starts.
    Restart(usize),
    /// The wall clock of a replica is this many seconds off from now on.
    Skew(usize, i64),
    /// A user does something.
    User(Deed),
    /// The store of the API server is kept for later.
    Backup,
    /// It is set back to what was kept.
    SetBack,
    /// It has forgotten the history from which watches go on.
    Compact,
    /// The CRD is deleted with all objects, and comes back after this time.
    CrdGone(Duration),
}

/// A whole simulation.
#[derive(Clone, Debug)]
pub struct Plan {
    pub world: World,
    /// What happens, by seconds since the beginning.
    pub turns: Vec<(f64, Turn)>,
    /// From then on, nothing happens any more, and no fault strikes.
    pub calm_from: f64,
}

impl Plan {
    /// The plan of a seed, for so many hours of faults.
    pub fn of(seed: u64, hours: f64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let calm_from = hours * 3600.0;
        let ids: Vec<(String, &str)> = (0..rng.usize(1..=10))
            .map(|number| (format!("img-{number}"), REGIONS[usize::from(rng.u8(..5) == 0)]))
            .collect();
        let mut world = surroundings(&mut rng);
        let crowd: Vec<String> = if rng.u8(..15) == 0 { crowd(&mut rng, &mut world) } else { Vec::new() };
        for (id, region) in &ids {
            fate(&mut rng, &mut world, id, region, calm_from);
        }
        let mut turns = Vec::new();
        weather(&mut rng, &mut turns, calm_from);
        processes(&mut rng, &mut turns, calm_from);
        store(&mut rng, &mut turns, calm_from);
        users(&mut rng, &mut turns, &ids, calm_from);
        turns.extend(crowd.iter().map(|id| (10.0, Turn::User(Deed::create(&mut rng, id, REGIONS[0])))));
        turns.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        Self { world, turns, calm_from }
    }
}

/// An AWS without images, which answers in its own way.
fn surroundings(rng: &mut Rng) -> World {
    let mut world =
        World { clock: ClockSetting { mode: ClockMode::Manual, ..ClockSetting::default() }, ..World::default() };
    world.clock.start = Some(crate::time::now().to_string());
    world.answers.shuffle = rng.bool();
    world.answers.empty_pages = rng.u8(..4) == 0;
    world.answers.image_page_size = [1000, 1000, 5, 2][rng.usize(..4)];
    world.answers.stack_page_size = [100, 100, 3][rng.usize(..3)];
    if rng.bool() {
        world.limits = aws_limits();
    }
    if rng.u8(..10) == 0 {
        for number in 0..rng.usize(100..400) {
            world.images.push(ami(
                &format!("other-{number}"),
                REGIONS[0],
                &format!("ami-other{number:06}"),
                "available",
            ));
        }
    }
    world
}

/// So many images that a sweep reads them in fewer calls, and small pages. Returns their ids.
fn crowd(rng: &mut Rng, world: &mut World) -> Vec<String> {
    world.answers.image_page_size = 2;
    let ids: Vec<String> = (0..rng.usize(210..300)).map(|number| format!("crowd-{number}")).collect();
    world.images.extend(ids.iter().map(|id| ami(id, REGIONS[0], &format!("ami-{id}"), "available")));
    ids
}

/// What becomes of one image in AWS. Everything happens before `end`.
fn fate(rng: &mut Rng, world: &mut World, id: &str, region: &str, end: f64) {
    let mut at = || rng.f64() * end;
    let (first, second, third) = (at(), at(), at());
    let mut order = [first, second, third];
    order.sort_by(f64::total_cmp);
    let name = |number: u32| format!("ami-{number:04x}{}", id.replace('-', ""));
    let mut happens = |at: f64, action: Action| world.timeline.push(Event { at, action });
    match rng.u8(..9) {
        0 => {}
        1 => world.images.push(ami(id, region, &name(1), "available")),
        2 => {
            world.images.push(ami(id, region, &name(1), "available"));
            world.timeline.push(Event { at: order[0], action: Action::DeleteImage(name(1)) });
        }
        3 => {
            happens(order[0], Action::PutImage(Box::new(ami(id, region, &name(1), "pending"))));
            happens(order[1], Action::PutImage(Box::new(ami(id, region, &name(1), "available"))));
            happens(order[2], Action::PutImage(Box::new(ami(id, region, &name(1), "disabled"))));
        }
        4 => {
            // A newer AMI of the same image, and the older one goes.
            world.images.push(ami(id, region, &name(1), "available"));
            let newer = Image {
                creation_date: Some("2026-02-02T03:04:05.000Z".into()),
                ..ami(id, region, &name(2), "available")
            };
            happens(order[0], Action::PutImage(Box::new(newer)));
            happens(order[1], Action::DeleteImage(name(rng.u32(1..=2))));
        }
        5 => {
            // A stack of that name that builds no image.
            let stack = Stack {
                name: id.into(),
                region: region.into(),
                status: Some("CREATE_COMPLETE".into()),
                ..Stack::default()
            };
            world.stacks.push(stack);
        }
        _ => build(rng, world, id, region, end),
    }
}

/// A build, and sometimes what the user does with it later.
fn build(rng: &mut Rng, world: &mut World, id: &str, region: &str, end: f64) {
    let starts_after = rng.f64() * end * 0.6;
    let seconds = (60.0 + rng.f64() * 3000.0).min((end - starts_after) * 0.9);
    let outcome = OUTCOMES[rng.usize(..OUTCOMES.len())];
    let has_bucket = rng.u8(..4) > 0;
    world.builds.push(Build {
        image_id: id.into(),
        region: region.into(),
        outcome,
        starts_after,
        seconds,
        s3_bucket: has_bucket.then(|| "bucket".into()),
        ..Build::default()
    });
    if rng.u8(..3) == 0 {
        let at = starts_after + seconds + rng.f64() * (end - starts_after - seconds);
        world.timeline.push(Event { at, action: Action::DeleteStack(id.into()) });
    }
}

pub fn ami(id: &str, region: &str, ami_id: &str, state: &str) -> Image {
    let tag = |key: &str, value: &str| Tag::new(&format!("parallelcluster:{key}"), value);
    let tags = vec![
        tag("image_id", id),
        tag("build_status", "available"),
        tag("version", "3.16.1"),
        tag("s3_bucket", "bucket"),
        tag("s3_image_dir", "folder"),
    ];
    Image {
        ami_id: ami_id.into(),
        region: region.into(),
        name: Some(id.into()),
        state: Some(state.into()),
        tags,
        ..Image::default()
    }
}

/// Bad weather and fair weather by turns.
fn weather(rng: &mut Rng, turns: &mut Vec<(f64, Turn)>, end: f64) {
    let mut at = rng.f64() * 300.0;
    while at < end {
        let is_long = rng.u8(..12) == 0;
        turns.push((at, Turn::Weather(if is_long { Weather::without_aws(rng) } else { Weather::bad(rng) })));
        at += if is_long { rng.f64() * 4.0 * 3600.0 } else { 20.0 + rng.f64() * rng.f64() * 2400.0 };
        turns.push((at.min(end), Turn::Weather(Weather::default())));
        at += rng.f64() * rng.f64() * 3600.0;
    }
}

fn processes(rng: &mut Rng, turns: &mut Vec<(f64, Turn)>, end: f64) {
    let often = rng.usize(0..=6);
    for _ in 0..(often as f64 * end / 3600.0) as usize {
        let (at, replica) = (rng.f64() * end, rng.usize(..crate::time::REPLICAS));
        turns.push(match rng.u8(..6) {
            0 => (at, Turn::Restart(replica)),
            1 => (at, Turn::Skew(replica, [-7200, -300, -30, 0, 0, 30, 300, 7200][rng.usize(..8)])),
            _ => (at, Turn::Crash(replica)),
        });
    }
    for replica in 0..crate::time::REPLICAS {
        turns.push((end, Turn::Skew(replica, 0)));
    }
}

fn store(rng: &mut Rng, turns: &mut Vec<(f64, Turn)>, end: f64) {
    let mut at = || rng.f64() * end;
    let (first, second, third) = (at(), at(), at());
    if rng.u8(..5) == 0 {
        turns.push((first.min(second), Turn::Backup));
        turns.push((first.max(second), Turn::SetBack));
    }
    if rng.u8(..3) == 0 {
        turns.push((third, Turn::Compact));
    }
    if rng.u8(..12) == 0 {
        turns.push((rng.f64() * end * 0.8, Turn::CrdGone(Duration::from_secs(rng.u64(1..300)))));
    }
}

fn users(rng: &mut Rng, turns: &mut Vec<(f64, Turn)>, ids: &[(String, &str)], end: f64) {
    // Nearly all images have an object from the beginning.
    for (id, region) in ids {
        if rng.u8(..10) > 0 {
            turns.push((rng.f64() * 30.0, Turn::User(Deed::create(rng, id, region))));
        }
    }
    let often = rng.usize(1..=20);
    for _ in 0..(often as f64 * end / 3600.0) as usize {
        let (id, region) = &ids[rng.usize(..ids.len())];
        turns.push((rng.f64() * end, Turn::User(Deed::any(rng, id, region))));
    }
}
