//! Tests of the reflector with a hand-written source, in virtual time.

use super::*;
use crate::aws::IgnoreCalls;
use crate::aws::budget::{Api, Budget, Budgets, Limit};
use crate::clock::Clock;
use crate::describe_image::observation::{Ami, ImageBuild, Stack, tag_key};
use crate::describe_image::response::Tag;
use crate::describe_image::source::{Priority, Turn};
use crate::describe_image::{ImageId, Observation, Region, SourceError, SourceErrorKind};
use crate::reflector::intervals::Intervals;
use crate::reflector::intervals::tests::INTERVALS;
use futures::{FutureExt, StreamExt};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

mod budget;
mod entry;
mod fairness;
mod guests;
mod store;
mod wake;

/// The settings of all tests. Time is virtual.
const SETTINGS: ReflectorSettings = ReflectorSettings {
    batch_window: Duration::from_millis(100),
    intervals: INTERVALS,
    staleness_budget: Duration::from_secs(1800),
    batching: true,
    random: || 0.5,
    clock: Clock::SYSTEM,
};

/// Has an available AMI for each of `images`, and a stack for each id that starts with "building". Counts its calls.
#[derive(Default)]
struct Source {
    /// The number of calls, in this order: AMIs by ids, all AMIs, stacks by name, all stacks.
    calls: [AtomicUsize; 4],
    /// The description of each AMI, by image id.
    images: Mutex<HashMap<String, String>>,
    is_denied: AtomicBool,
    /// The names of all stacks. Empty: a thousand builds.
    stacks: Mutex<Vec<String>>,
    /// The stacks in a page of a sweep. `None`: a thousand.
    stacks_per_page: Option<usize>,
    /// Whether AWS denies a sweep of stacks.
    denies_sweeps: bool,
    /// A region that never answers.
    silent: Option<Region>,
    /// A region that denies each call.
    denied: Option<Region>,
    /// Whether the next call panics.
    panics: AtomicBool,
    budgets: Budgets,
    /// The time, kind and region of each call. Kind 4 is a read of a build.
    log: Mutex<Vec<(Instant, usize, Region)>>,
}

impl Source {
    /// The numbers of calls since the previous `counts`.
    fn counts(&self) -> [usize; 4] {
        std::array::from_fn(|call| self.calls[call].swap(0, Ordering::Relaxed))
    }

    /// Waits until there are `count` calls of a kind, and returns the numbers of all kinds.
    async fn await_calls(&self, call: usize, count: usize) -> [usize; 4] {
        while self.calls[call].load(Ordering::Relaxed) < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.counts()
    }

    async fn call(&self, call: usize, scope: &Scope, turn: &Turn) -> Result<(), SourceError> {
        if self.silent.as_ref() == Some(&scope.region) {
            std::future::pending::<()>().await;
        }
        assert!(!self.panics.swap(false, Ordering::Relaxed), "this read panics");
        let api =
            [Api::DescribeImages, Api::DescribeImages, Api::DescribeStacks, Api::DescribeStacks, Api::GetImage][call];
        let _permit = self.budgets.rate_limit("111122223333", &scope.region, api).take(turn).await;
        self.log.lock().push((Instant::now(), call, scope.region.clone()));
        if let Some(calls) = self.calls.get(call) {
            calls.fetch_add(1, Ordering::Relaxed);
        }
        let message = "not authorized".to_owned();
        let denied = SourceError::asked(SourceErrorKind::AccessDenied, "ec2:DescribeImages", message);
        let is_denied = self.is_denied.load(Ordering::Relaxed)
            || (self.denies_sweeps && call == 3)
            || self.denied.as_ref() == Some(&scope.region);
        if is_denied { Err(denied) } else { Ok(()) }
    }

    /// The calls for a region: the time since `begun`, and the kind.
    fn schedule(&self, begun: Instant, region: &str) -> Vec<(Duration, usize)> {
        let log = self.log.lock();
        log.iter().filter(|(_, _, of)| of.as_str() == region).map(|(at, call, _)| (*at - begun, *call)).collect()
    }

    fn describe(&self, id: &str, description: &str) {
        self.images.lock().insert(id.to_owned(), description.to_owned());
    }

    fn ami(&self, id: &str) -> Option<Ami> {
        let description = self.images.lock().get(id)?.clone();
        let tag = |key: &str, value: &str| Tag { key: key.into(), value: value.into() };
        let tags = vec![tag(tag_key::IMAGE_ID, id), tag(tag_key::S3_BUCKET, "b"), tag(tag_key::S3_IMAGE_DIR, "d")];
        let state = Some("available".into());
        Some(Ami { id: Some(format!("ami-{id}")), description: Some(description), state, tags, ..Ami::default() })
    }
}

impl ImageSource for Arc<Source> {
    async fn amis(&self, scope: &Scope, ids: &[ImageId], turn: &Turn) -> Result<Vec<(ImageId, Ami)>, SourceError> {
        self.call(0, scope, turn).await?;
        Ok(ids.iter().filter_map(|id| Some((id.clone(), self.ami(id.as_str())?))).collect())
    }
    async fn all_amis(&self, scope: &Scope, turn: &Turn, take: impl FnMut(Ami) + Send) -> Result<(), SourceError> {
        self.call(1, scope, turn).await?;
        let ids: Vec<String> = self.images.lock().keys().cloned().collect();
        ids.iter().filter_map(|id| self.ami(id)).for_each(take);
        Ok(())
    }
    async fn stack(&self, scope: &Scope, id: &ImageId, turn: &Turn) -> Result<Option<Stack>, SourceError> {
        self.call(2, scope, turn).await.map(|()| id.as_str().starts_with("building").then(|| image_stack(id.as_str())))
    }
    async fn all_stacks(
        &self,
        scope: &Scope,
        turn: &Turn,
        mut take: impl FnMut(Stack) + Send,
    ) -> Result<(), SourceError> {
        let stacks: Vec<String> = match self.stacks.lock().as_slice() {
            [] => (0..1000).map(|n| format!("building-{n}")).collect(),
            stacks => stacks.to_vec(),
        };
        for page in stacks.chunks(self.stacks_per_page.unwrap_or(1000)) {
            self.call(3, scope, turn).await?;
            page.iter().map(|name| image_stack(name)).for_each(&mut take);
        }
        Ok(())
    }
    async fn image_build(
        &self,
        scope: &Scope,
        _: &ImageId,
        _: &Stack,
        turn: &Turn,
    ) -> Result<Option<ImageBuild>, SourceError> {
        self.call(4, scope, turn)
            .await
            .map(|()| Some(ImageBuild { status: Some("BUILDING".into()), ..ImageBuild::default() }))
    }
}

fn image_stack(id: &str) -> Stack {
    let tags = vec![Tag { key: tag_key::S3_IMAGE_DIR.into(), value: "d".into() }];
    let arn = Some(format!("arn:aws:cloudformation:eu-west-1:111122223333:stack/{id}/1"));
    Stack { arn, status: Some("CREATE_IN_PROGRESS".into()), tags, ..Stack::default() }
}

fn scope(region: &str) -> Scope {
    Scope::default_identity(Region::parse(region).unwrap())
}

fn id(text: &str) -> ImageId {
    ImageId::parse(text).unwrap()
}

fn image(scope: &Scope, id: &ImageId) -> ImageRef {
    ImageRef { scope: scope.clone(), id: id.clone() }
}

/// The subscriber of an image.
fn subscriber(scope: &Scope, id: &ImageId) -> Subscriber {
    Subscriber { tenant: scope.region.to_string(), key: id.to_string() }
}

fn subscribe(reflector: &Reflector<Arc<Source>>, scope: &Scope, id: &ImageId) {
    reflector.subscribe(&subscriber(scope, id), &image(scope, id));
}

fn ids(count: usize) -> Vec<ImageId> {
    (0..count).map(|n| id(&format!("img-{n}"))).collect()
}

/// A reflector, and its source with these available images.
fn reflector(ids: &[ImageId]) -> (Reflector<Arc<Source>>, Changes, Arc<Source>) {
    let source = Arc::new(Source::default());
    ids.iter().for_each(|id| source.describe(id.as_str(), "first"));
    let (reflector, changed) = Reflector::new(source.clone(), SETTINGS);
    (reflector, changed, source)
}

/// Subscribes to `ids`, receives one change for each from `changed`, and returns the readings.
async fn observe(
    reflector: &Reflector<Arc<Source>>,
    changed: &mut Changes,
    scope: &Scope,
    ids: &[ImageId],
) -> Vec<Reading> {
    ids.iter().for_each(|id| subscribe(reflector, scope, id));
    for _ in ids {
        changed.next().await.unwrap();
    }
    ids.iter().map(|id| reflector.latest(&image(scope, id), None).unwrap()).collect()
}
