use super::*;
use crate::describe_image::observation::{Ami, ImageBuild, Stack, tag_key};
use crate::describe_image::response::Tag;
use crate::describe_image::{Observation, Region, SourceError, SourceErrorKind};
use futures::FutureExt;
use futures::StreamExt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A thousandth of what they are outside.
const SETTINGS: Settings = Settings {
    window: Duration::from_millis(20),
    intervals: Intervals {
        in_progress: Duration::from_millis(30),
        settled: Duration::from_millis(600),
        absent: Duration::from_millis(60),
        absent_max: Duration::from_millis(600),
        error: Duration::from_millis(5),
        error_max: Duration::from_millis(600),
        finalizing: Duration::from_millis(1800),
    },
};

/// Has an available AMI for every id, but for those called "absent…"; counts its calls.
#[derive(Default)]
struct Source {
    /// In the order: AMIs by ids, all AMIs, stacks by name, all stacks.
    calls: [AtomicUsize; 4],
    images: Mutex<HashMap<String, String>>,
    is_denied: AtomicBool,
    /// A region that never answers.
    silent: Option<Region>,
}

impl Source {
    /// The calls since this was last asked.
    fn counts(&self) -> [usize; 4] {
        std::array::from_fn(|call| self.calls[call].swap(0, Ordering::Relaxed))
    }

    /// Waits until there were `count` of a kind in all, and gives them.
    async fn await_calls(&self, call: usize, count: usize) -> [usize; 4] {
        while self.calls[call].load(Ordering::Relaxed) < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.counts()
    }

    async fn call(&self, call: usize, scope: &Scope) -> Result<(), SourceError> {
        if self.silent.as_ref() == Some(&scope.region) {
            std::future::pending::<()>().await;
        }
        self.calls[call].fetch_add(1, Ordering::Relaxed);
        let message = "not authorized".to_owned();
        let denied = SourceError { kind: SourceErrorKind::AccessDenied, action: "ec2:DescribeImages", message };
        if self.is_denied.load(Ordering::Relaxed) { Err(denied) } else { Ok(()) }
    }

    fn describe(&self, id: &str, description: &str) {
        self.images.lock().unwrap().insert(id.to_owned(), description.to_owned());
    }

    fn ami(&self, id: &str) -> Option<Ami> {
        let description = self.images.lock().unwrap().get(id)?.clone();
        let tag = |key: &str, value: &str| Tag { key: key.into(), value: value.into() };
        let tags = vec![tag(tag_key::IMAGE_ID, id), tag(tag_key::S3_BUCKET, "b"), tag(tag_key::S3_IMAGE_DIR, "d")];
        let state = Some("available".into());
        Some(Ami { id: Some(format!("ami-{id}")), description: Some(description), state, tags, ..Ami::default() })
    }
}

impl ImageSource for Arc<Source> {
    async fn amis(&self, scope: &Scope, ids: &[ImageId]) -> Result<Vec<(ImageId, Ami)>, SourceError> {
        self.call(0, scope).await?;
        Ok(ids.iter().filter_map(|id| Some((id.clone(), self.ami(id.as_str())?))).collect())
    }
    async fn all_amis(&self, scope: &Scope) -> Result<Vec<Ami>, SourceError> {
        self.call(1, scope).await?;
        let ids: Vec<String> = self.images.lock().unwrap().keys().cloned().collect();
        Ok(ids.iter().filter_map(|id| self.ami(id)).collect())
    }
    async fn stack(&self, scope: &Scope, _: &ImageId) -> Result<Option<Stack>, SourceError> {
        self.call(2, scope).await.map(|()| None)
    }
    async fn all_stacks(&self, scope: &Scope) -> Result<Vec<Stack>, SourceError> {
        self.call(3, scope).await.map(|()| Vec::new())
    }
    async fn image_build(&self, _: &Scope, _: &ImageId, _: &Stack) -> Result<Option<ImageBuild>, SourceError> {
        Ok(None)
    }
}

fn scope(region: &str) -> Scope {
    Scope::default_identity(Region::parse(region).unwrap())
}

fn id(text: &str) -> ImageId {
    ImageId::parse(text).unwrap()
}

fn ids(count: usize) -> Vec<ImageId> {
    (0..count).map(|n| id(&format!("img-{n}"))).collect()
}

/// A reflector of these available images.
fn reflector(ids: &[ImageId]) -> (Reflector<Arc<Source>>, mpsc::UnboundedReceiver<Changed>, Arc<Source>) {
    let source = Arc::new(Source::default());
    ids.iter().for_each(|id| source.describe(id.as_str(), "first"));
    let (reflector, changed) = Reflector::new(source.clone(), SETTINGS);
    (reflector, changed, source)
}

/// What is read of `ids`, once all of it is there; their first answers are told, and taken off `changed`.
async fn observe(
    reflector: &Reflector<Arc<Source>>,
    changed: &mut mpsc::UnboundedReceiver<Changed>,
    scope: &Scope,
    ids: &[ImageId],
) -> Vec<Reading> {
    ids.iter().for_each(|id| reflector.want(scope, id));
    for _ in ids {
        changed.next().await.unwrap();
    }
    ids.iter().map(|id| reflector.latest(scope, id, None).unwrap()).collect()
}

#[tokio::test]
async fn ten_thousand_available_images_are_read_in_one_sweep_and_again_when_they_are_due() {
    let ids = ids(10_000);
    let (reflector, mut changed, source) = reflector(&ids);
    let scope = scope("eu-west-1");
    ids.iter().for_each(|id| reflector.want(&scope, id));
    let readings = observe(&reflector, &mut changed, &scope, &ids).await;
    assert!(readings.iter().all(|reading| matches!(*reading.answer.clone().unwrap(), Observation::Ami { .. })));
    assert_eq!(source.counts(), [0, 1, 0, 0]);
    assert_eq!(source.await_calls(1, 5).await, [0, 5, 0, 0], "and nothing else");
    assert_eq!(changed.next().now_or_never(), None, "nothing has changed, and nobody is told");
}

#[tokio::test]
async fn only_the_image_that_has_changed_is_told() {
    let ids = ids(300);
    let (reflector, mut changed, source) = reflector(&ids);
    let scope = scope("eu-west-1");
    observe(&reflector, &mut changed, &scope, &ids).await;
    source.describe("img-7", "second");
    let told = changed.next().await.unwrap();
    assert_eq!(told, (scope.clone(), id("img-7")));
    let reading = reflector.latest(&scope, &id("img-7"), None).unwrap();
    let Observation::Ami { ami, .. } = &*reading.answer.unwrap() else { panic!("an AMI") };
    assert_eq!(ami.description.as_deref(), Some("second"));
    assert_eq!(changed.next().now_or_never(), None);
}

#[tokio::test]
async fn a_known_image_is_answered_from_the_store_and_a_wish_to_look_now_is_not() {
    let ids = ids(1);
    let (reflector, mut changed, source) = reflector(&ids);
    let scope = scope("eu-west-1");
    let first = observe(&reflector, &mut changed, &scope, &ids).await.remove(0);
    assert_eq!(reflector.latest(&scope, &ids[0], None), Some(first));
    assert_eq!(source.counts(), [1, 0, 0, 0]);
    let now = Timestamp::now();
    assert_eq!(reflector.latest(&scope, &ids[0], Some(now)), None);
    assert_eq!(changed.next().await.unwrap().1, ids[0], "the answer is told, although it is the same");
    let fresh = reflector.latest(&scope, &ids[0], Some(now)).unwrap();
    assert!(fresh.at >= now && source.counts() == [1, 0, 0, 0]);
}

#[tokio::test]
async fn absent_images_are_looked_for_by_name_and_many_in_one_sweep_of_stacks() {
    let (reflector, mut changed, source) = reflector(&[]);
    let scope = scope("eu-west-1");
    observe(&reflector, &mut changed, &scope, &[id("absent")]).await;
    assert_eq!(source.counts(), [1, 0, 1, 0]);
    let many: Vec<_> = (0..100).map(|n| id(&format!("absent-{n}"))).collect();
    observe(&reflector, &mut changed, &scope, &many).await;
    assert_eq!(source.counts(), [1, 0, 0, 1]);
}

#[tokio::test]
async fn an_error_is_told_once_and_so_is_its_end() {
    let ids = ids(3);
    let (reflector, mut changed, source) = reflector(&ids);
    let scope = scope("eu-west-1");
    observe(&reflector, &mut changed, &scope, &ids).await;
    source.is_denied.store(true, Ordering::Relaxed);
    for _ in 0..3 {
        changed.next().await.unwrap();
    }
    let failing = reflector.latest(&scope, &ids[0], None).unwrap();
    assert!(failing.answer.is_err() && failing.answered_at.is_some() && failing.failing_since.is_some());
    source.counts();
    source.await_calls(0, 3).await;
    assert_eq!(changed.next().now_or_never(), None, "the same refusal again is no news");
    source.is_denied.store(false, Ordering::Relaxed);
    for _ in 0..3 {
        changed.next().await.unwrap();
    }
    assert!(reflector.latest(&scope, &ids[0], None).unwrap().answer.is_ok());
}

#[tokio::test]
async fn a_scope_that_never_answers_delays_no_other() {
    let source = Arc::new(Source { silent: Some(Region::parse("eu-west-2").unwrap()), ..Source::default() });
    source.describe("img-0", "first");
    let (reflector, mut changed) = Reflector::new(source.clone(), SETTINGS);
    (0..1000).for_each(|n| reflector.want(&scope("eu-west-2"), &id(&format!("img-{n}"))));
    reflector.want(&scope("eu-west-1"), &id("img-0"));
    assert_eq!(changed.next().await.unwrap(), (scope("eu-west-1"), id("img-0")));
    source.await_calls(0, 3).await;
    assert_eq!(reflector.latest(&scope("eu-west-2"), &id("img-0"), None), None, "nobody waits for it either");
}

#[tokio::test]
async fn what_nobody_shows_any_more_is_not_read_any_more() {
    let ids = ids(2);
    let (reflector, mut changed, source) = reflector(&ids);
    let scope = scope("eu-west-1");
    observe(&reflector, &mut changed, &scope, &ids).await;
    ids.iter().for_each(|id| reflector.forget(&scope, id));
    assert!(reflector.lanes().is_empty(), "the lane has ended");
    source.counts();
    // More than an interval: what must not come cannot be waited for.
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!(source.counts(), [0; 4]);
    assert_eq!(observe(&reflector, &mut changed, &scope, &ids).await.len(), 2, "and may come back");
}
