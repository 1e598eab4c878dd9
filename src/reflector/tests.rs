use super::*;
use crate::aws::budget::{Api, Budget, Budgets, Limit};
use crate::describe_image::observation::{Ami, ImageBuild, Stack, tag_key};
use crate::describe_image::response::Tag;
use crate::describe_image::source::Priority;
use crate::describe_image::{Observation, Region, SourceError, SourceErrorKind};
use crate::reflector::intervals::tests::INTERVALS;
use futures::FutureExt;
use futures::StreamExt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::time::Instant;

/// As they are by default; the time of these tests is virtual.
const SETTINGS: Settings = Settings {
    window: Duration::from_millis(100),
    intervals: INTERVALS,
    overdue: Duration::from_secs(1800),
    shares_calls: true,
    chance: || 0.5,
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
    /// A region that refuses.
    denied: Option<Region>,
    /// The next call does not come back.
    dies: AtomicBool,
    budgets: Budgets,
    /// When which call was made, builds being the fifth.
    log: Mutex<Vec<(Instant, usize, Region)>>,
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

    async fn call(&self, call: usize, scope: &Scope, priority: Priority) -> Result<(), SourceError> {
        if self.silent.as_ref() == Some(&scope.region) {
            std::future::pending::<()>().await;
        }
        assert!(!self.dies.swap(false, Ordering::Relaxed), "this read dies");
        let api =
            [Api::DescribeImages, Api::DescribeImages, Api::DescribeStacks, Api::DescribeStacks, Api::GetImage][call];
        self.budgets.rate_limit("111122223333", &scope.region, api).take(priority).await;
        self.log.lock().unwrap().push((Instant::now(), call, scope.region.clone()));
        if let Some(calls) = self.calls.get(call) {
            calls.fetch_add(1, Ordering::Relaxed);
        }
        let message = "not authorized".to_owned();
        let denied =
            SourceError { kind: SourceErrorKind::AccessDenied, action: "ec2:DescribeImages", message, fix: None };
        let is_denied = self.is_denied.load(Ordering::Relaxed) || self.denied.as_ref() == Some(&scope.region);
        if is_denied { Err(denied) } else { Ok(()) }
    }

    /// The calls for a region: how long after the beginning, and which.
    fn schedule(&self, begun: Instant, region: &str) -> Vec<(Duration, usize)> {
        let log = self.log.lock().unwrap();
        log.iter().filter(|(_, _, of)| of.as_str() == region).map(|(at, call, _)| (*at - begun, *call)).collect()
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
    async fn amis(
        &self,
        scope: &Scope,
        ids: &[ImageId],
        priority: Priority,
    ) -> Result<Vec<(ImageId, Ami)>, SourceError> {
        self.call(0, scope, priority).await?;
        Ok(ids.iter().filter_map(|id| Some((id.clone(), self.ami(id.as_str())?))).collect())
    }
    async fn all_amis(
        &self,
        scope: &Scope,
        priority: Priority,
        take: impl FnMut(Ami) + Send,
    ) -> Result<(), SourceError> {
        self.call(1, scope, priority).await?;
        let ids: Vec<String> = self.images.lock().unwrap().keys().cloned().collect();
        ids.iter().filter_map(|id| self.ami(id)).for_each(take);
        Ok(())
    }
    async fn stack(&self, scope: &Scope, id: &ImageId, priority: Priority) -> Result<Option<Stack>, SourceError> {
        self.call(2, scope, priority)
            .await
            .map(|()| id.as_str().starts_with("building").then(|| image_stack(id.as_str())))
    }
    async fn all_stacks(&self, scope: &Scope, priority: Priority) -> Result<Vec<Stack>, SourceError> {
        let stacks = || (0..1000).map(|n| image_stack(&format!("building-{n}"))).collect();
        self.call(3, scope, priority).await.map(|()| stacks())
    }
    async fn image_build(
        &self,
        scope: &Scope,
        _: &ImageId,
        _: &Stack,
        priority: Priority,
    ) -> Result<Option<ImageBuild>, SourceError> {
        self.call(4, scope, priority)
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

#[tokio::test(start_paused = true)]
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

#[tokio::test(start_paused = true)]
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

#[tokio::test(start_paused = true)]
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

#[tokio::test(start_paused = true)]
async fn absent_images_are_looked_for_by_name_and_many_in_one_sweep_of_stacks() {
    let (reflector, mut changed, source) = reflector(&[]);
    let scope = scope("eu-west-1");
    observe(&reflector, &mut changed, &scope, &[id("absent")]).await;
    assert_eq!(source.counts(), [1, 0, 1, 0]);
    let many: Vec<_> = (0..100).map(|n| id(&format!("absent-{n}"))).collect();
    observe(&reflector, &mut changed, &scope, &many).await;
    assert_eq!(source.counts(), [1, 0, 0, 1]);
}

#[tokio::test(start_paused = true)]
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

#[tokio::test(start_paused = true)]
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

#[tokio::test(start_paused = true)]
async fn what_nobody_shows_any_more_is_not_read_any_more() {
    let ids = ids(2);
    let (reflector, mut changed, source) = reflector(&ids);
    let scope = scope("eu-west-1");
    observe(&reflector, &mut changed, &scope, &ids).await;
    ids.iter().for_each(|id| reflector.forget(&scope, id));
    assert!(reflector.lanes().is_empty(), "the lane has ended");
    source.counts();
    // More than an interval: what must not come cannot be waited for.
    tokio::time::sleep(Duration::from_secs(800)).await;
    assert_eq!(source.counts(), [0; 4]);
    assert_eq!(observe(&reflector, &mut changed, &scope, &ids).await.len(), 2, "and may come back");
}

/// A fleet of a bit of everything.
fn fleet() -> Vec<ImageId> {
    let building = (0..20).map(|n| id(&format!("building-{n}")));
    let absent = (0..30).map(|n| id(&format!("absent-{n}")));
    ids(500).into_iter().chain(building).chain(absent).collect()
}

fn default_budget() -> Budgets {
    Budgets::new(Budget { percent: 25, assumed: Limit { burst: 10, per_second: 5 } })
}

/// The calls for the fleet in eu-west-1 in three hours, beside a scope that is denied, or alone.
async fn schedule_beside(denied: Option<Region>) -> Vec<(Duration, usize)> {
    let source = Arc::new(Source { denied: denied.clone(), budgets: default_budget(), ..Source::default() });
    fleet().iter().filter(|id| id.as_str().starts_with("img")).for_each(|id| source.describe(id.as_str(), "first"));
    let (reflector, _changed) = Reflector::new(source.clone(), SETTINGS);
    let begun = Instant::now();
    for id in ids(2000) {
        denied.iter().for_each(|denied| reflector.want(&scope(denied.as_str()), &id));
    }
    fleet().iter().for_each(|id| reflector.want(&scope("eu-west-1"), id));
    tokio::time::sleep(Duration::from_secs(3 * 3600)).await;
    assert!(denied.is_none_or(|denied| !source.schedule(begun, denied.as_str()).is_empty()));
    source.schedule(begun, "eu-west-1")
}

#[tokio::test(start_paused = true)]
async fn a_scope_is_read_at_the_same_times_with_and_without_a_denied_one_beside_it() {
    let alone = schedule_beside(None).await;
    assert!(alone.len() > 1000, "{}", alone.len());
    let beside = schedule_beside(Some(Region::parse("eu-west-2").unwrap())).await;
    let other = alone.iter().zip(&beside).position(|(alone, beside)| alone != beside);
    let around =
        |calls: &[(Duration, usize)]| calls.iter().skip(other.unwrap_or_default()).take(9).copied().collect::<Vec<_>>();
    assert!(alone == beside, "from call {other:?} on: {:?} and {:?}", around(&alone), around(&beside));
}

#[tokio::test(start_paused = true)]
async fn a_restart_with_ten_thousand_images_keeps_to_the_budget_from_its_first_call() {
    let source = Arc::new(Source { budgets: default_budget(), ..Source::default() });
    ids(9000).iter().for_each(|id| source.describe(id.as_str(), "first"));
    let (reflector, mut changed) = Reflector::new(source.clone(), SETTINGS);
    let others = (0..1000).map(|n| id(&format!("building-{n}")));
    let all: Vec<_> = ids(9000).into_iter().chain(others).collect();
    let begun = Instant::now();
    all.iter().for_each(|id| reflector.want(&scope("eu-west-1"), id));
    for _ in &all {
        changed.next().await.unwrap();
    }
    let schedule = source.schedule(begun, "eu-west-1");
    for (calls, share) in [([0, 1], (25.0, 5.0)), ([2, 3], (2.0, 1.25)), ([4, 4], (2.0, 1.25))] {
        let times: Vec<f64> =
            schedule.iter().filter(|(_, call)| calls.contains(call)).map(|(at, _)| at.as_secs_f64()).collect();
        assert!(!times.is_empty());
        for (first, from) in times.iter().enumerate() {
            for (last, to) in times.iter().enumerate().skip(first) {
                let (burst, rate) = share;
                assert!((last - first + 1) as f64 <= burst + rate * (to - from) + 1.0, "{calls:?} {from} {to}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn images_that_build_do_not_have_the_settled_ones_read_with_them() {
    let source = Arc::new(Source::default());
    ids(500).iter().for_each(|id| source.describe(id.as_str(), "first"));
    let (reflector, _changed) = Reflector::new(source.clone(), SETTINGS);
    ids(500).iter().for_each(|id| reflector.want(&scope("eu-west-1"), id));
    reflector.want(&scope("eu-west-1"), &id("building-0"));
    tokio::time::sleep(Duration::from_secs(3605)).await;
    let [by_ids, sweeps, ..] = source.counts();
    assert_eq!(sweeps, 7, "at first, and six times an hour");
    assert!((115..=121).contains(&by_ids), "the one that builds twice a minute: {by_ids}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_does_not_stand_for_ever_while_the_next_read_waits_for_its_turn() {
    let budget = Budget { percent: 1, assumed: Limit { burst: 1, per_second: 1 } };
    let source = Arc::new(Source { budgets: Budgets::new(budget), ..Source::default() });
    let (reflector, mut changed) = Reflector::new(source.clone(), SETTINGS);
    let building: Vec<_> = (0..19).map(|n| id(&format!("building-{n}"))).collect();
    building.iter().for_each(|id| reflector.want(&scope("eu-west-1"), id));
    let withdrawn = async {
        loop {
            let told = changed.next().await.unwrap().1;
            let reading = reflector.latest(&scope("eu-west-1"), &told, None).unwrap();
            if let Err(error) = reading.answer {
                return (told, reading.answered_at, error.source_error.kind);
            }
        }
    };
    // A round of all takes 1,900 seconds.
    let (told, answered_at, kind) = tokio::time::timeout(Duration::from_secs(7200), withdrawn).await.unwrap();
    assert!(answered_at.is_some() && kind == SourceErrorKind::Throttled);
    while changed.next().await.unwrap().1 != told {}
    assert!(reflector.latest(&scope("eu-west-1"), &told, None).unwrap().answer.is_ok(), "and comes back");
}

#[tokio::test(start_paused = true)]
async fn the_images_of_a_read_that_dies_are_read_again() {
    let ids = ids(3);
    let (reflector, mut changed, source) = reflector(&ids);
    source.dies.store(true, Ordering::Relaxed);
    let readings = observe(&reflector, &mut changed, &scope("eu-west-1"), &ids).await;
    assert!(readings.iter().all(|reading| reading.answer.is_ok()));
}

#[tokio::test(start_paused = true)]
async fn a_read_that_was_overtaken_changes_nothing() {
    let mut entry = entry::Entry::new();
    let now = Instant::now();
    let begun = |second: u64| entry::Begun {
        at: Timestamp::from_second(second as i64).unwrap(),
        instant: now + Duration::from_secs(second),
        stretch: 1.0,
    };
    let ami = |text: &str| {
        Ok(Observation::Ami { ami: Ami { id: Some(text.into()), ..Ami::default() }, stack: None, refused: None })
    };
    assert!(entry.answered(ami("new"), begun(1), &SETTINGS.intervals));
    assert!(!entry.answered(ami("old"), begun(0), &SETTINGS.intervals));
    let reading = entry.latest(None).unwrap();
    assert_eq!(*reading.answer.unwrap(), ami("new").unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_answer_does_not_stand_for_whoever_waits_for_a_later_one_either() {
    let mut entry = entry::Entry::new();
    let begun = entry::Begun { at: Timestamp::UNIX_EPOCH, instant: Instant::now(), stretch: 1.0 };
    entry.answered(Ok(Observation::Absent { other_stack: None }), begun, &SETTINGS.intervals);
    let later = Some(Timestamp::from_second(1).unwrap());
    assert_eq!(entry.latest(later), None);
    let source_error = SourceError::unasked(SourceErrorKind::Throttled, "waits");
    let why = crate::describe_image::observe::ObserveError {
        image_id: id("img"),
        step: crate::describe_image::observe::Step::Image,
        source_error,
    };
    entry.withdrawn(why.clone());
    assert_eq!(entry.latest(later).unwrap().answer, Err(why));
    assert!(entry.is_waited_for());
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_is_set_back_stops_nothing() {
    let mut entry = entry::Entry::new();
    let now = Instant::now();
    let begun = |at: i64, after: u64| entry::Begun {
        at: Timestamp::from_second(at).unwrap(),
        instant: now + Duration::from_secs(after),
        stretch: 1.0,
    };
    let ami = |text: &str| {
        Ok(Observation::Ami { ami: Ami { id: Some(text.into()), ..Ami::default() }, stack: None, refused: None })
    };
    entry.answered(ami("before"), begun(3600, 0), &SETTINGS.intervals);
    assert!(entry.answered(ami("after"), begun(0, 600), &SETTINGS.intervals));
    assert_eq!(*entry.latest(None).unwrap().answer.unwrap(), ami("after").unwrap());
}

#[tokio::test(start_paused = true)]
async fn what_is_answered_early_in_a_long_read_is_read_again_before_that_ends() {
    let source = Arc::new(Source { budgets: default_budget(), ..Source::default() });
    let (reflector, _changed) = Reflector::new(source.clone(), SETTINGS);
    let building = (0..300).map(|n| id(&format!("building-{n}")));
    let begun = Instant::now();
    building.chain([id("absent-0")]).for_each(|id| reflector.want(&scope("eu-west-1"), &id));
    tokio::time::sleep(Duration::from_secs(200)).await;
    let reads = source.schedule(begun, "eu-west-1").into_iter().filter(|(_, call)| *call == 2 || *call == 3).count();
    assert!(reads >= 3, "the absent one each minute, while 300 builds take four: {reads}");
}
