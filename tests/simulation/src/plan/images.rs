//! The images in AWS, and what becomes of each.

use fastrand::Rng;
use simulator::{Action, Build, Event, Image, Outcome, Stack, Tag, World, aws_limits};

use super::REGIONS;

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

/// An AWS without images, which answers in its own way.
pub fn surroundings(rng: &mut Rng) -> World {
    let mut world = World::default();
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
pub fn crowd(rng: &mut Rng, world: &mut World) -> Vec<String> {
    world.answers.image_page_size = 2;
    let ids: Vec<String> = (0..rng.usize(210..300)).map(|number| format!("crowd-{number}")).collect();
    world.images.extend(ids.iter().map(|id| ami(id, REGIONS[0], &format!("ami-{id}"), "available")));
    ids
}

/// What becomes of one image in AWS. Everything happens before `end`.
pub fn fate(rng: &mut Rng, world: &mut World, id: &str, region: &str, end: f64) {
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
    // The simulator names the AMIs of the other outcomes.
    let orphan = (outcome == Outcome::Orphan).then(|| format!("ami-orphan{}", id.replace('-', "")));
    world.builds.push(Build {
        image_id: id.into(),
        ami_id: orphan.clone().unwrap_or_default(),
        region: region.into(),
        outcome,
        starts_after,
        seconds,
        s3_bucket: has_bucket.then(|| "bucket".into()),
        ..Build::default()
    });
    if rng.u8(..3) == 0 {
        let at = starts_after + seconds + rng.f64() * (end - starts_after - seconds);
        let action = orphan.map_or_else(|| Action::DeleteStack(id.into()), Action::DeleteImage);
        world.timeline.push(Event { at, action });
    }
}

pub fn ami(id: &str, region: &str, ami_id: &str, state: &str) -> Image {
    let tag = |key: &str, value: &str| Tag::new(format!("parallelcluster:{key}"), value);
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
