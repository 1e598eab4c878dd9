//! Tests of when a scope is read: within the budget, by priority, and beside other scopes.

use super::*;

/// Ids of available, building and absent images.
fn fleet() -> Vec<ImageId> {
    let building = (0..20).map(|n| id(&format!("building-{n}")));
    let absent = (0..30).map(|n| id(&format!("absent-{n}")));
    ids(500).into_iter().chain(building).chain(absent).collect()
}

pub(super) fn default_budget() -> Budgets {
    Budgets::new(Budget { percent: 25, assumed: Limit { burst: 10, per_second: 5 } }, Arc::new(IgnoreCalls))
}

/// The calls for the fleet in eu-west-1 in three hours, alone or beside a scope that AWS denies.
async fn schedule_beside(denied: Option<Region>) -> Vec<(Duration, usize)> {
    let source = Arc::new(Source { denied: denied.clone(), budgets: default_budget(), ..Source::default() });
    fleet().iter().filter(|id| id.as_str().starts_with("img")).for_each(|id| source.describe(id.as_str(), "first"));
    let (reflector, _changed) = Reflector::new(source.clone(), SETTINGS);
    let begun = Instant::now();
    for id in ids(2000) {
        denied.iter().for_each(|denied| subscribe(&reflector, &scope(denied.as_str()), &id));
    }
    fleet().iter().for_each(|id| subscribe(&reflector, &scope("eu-west-1"), id));
    tokio::time::sleep(Duration::from_secs(3 * 3600)).await;
    assert!(denied.is_none_or(|denied| !source.schedule(begun, denied.as_str()).is_empty()));
    source.schedule(begun, "eu-west-1")
}

#[tokio::test(start_paused = true)]
async fn a_restart_with_ten_thousand_images_stays_within_the_budget_from_its_first_call() {
    let source = Arc::new(Source { budgets: default_budget(), ..Source::default() });
    ids(9000).iter().for_each(|id| source.describe(id.as_str(), "first"));
    let (reflector, mut changed) = Reflector::new(source.clone(), SETTINGS);
    let others = (0..1000).map(|n| id(&format!("building-{n}")));
    let all: Vec<_> = ids(9000).into_iter().chain(others).collect();
    let begun = Instant::now();
    all.iter().for_each(|id| subscribe(&reflector, &scope("eu-west-1"), id));
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
async fn a_building_image_does_not_cause_more_reads_of_settled_images() {
    let source = Arc::new(Source::default());
    ids(500).iter().for_each(|id| source.describe(id.as_str(), "first"));
    let (reflector, _changed) = Reflector::new(source.clone(), SETTINGS);
    ids(500).iter().for_each(|id| subscribe(&reflector, &scope("eu-west-1"), id));
    subscribe(&reflector, &scope("eu-west-1"), &id("building-0"));
    tokio::time::sleep(Duration::from_secs(3605)).await;
    let [by_ids, sweeps, ..] = source.counts();
    assert_eq!(sweeps, 7, "once at first, then six times an hour");
    assert!((115..=121).contains(&by_ids), "the building image is read twice a minute: {by_ids}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_withdrawn_while_the_next_read_waits_too_long_for_the_budget() {
    let budget = Budget { percent: 1, assumed: Limit { burst: 1, per_second: 1 } };
    let source = Arc::new(Source { budgets: Budgets::new(budget, Arc::new(IgnoreCalls)), ..Source::default() });
    let (reflector, mut changed) = Reflector::new(source.clone(), SETTINGS);
    let building: Vec<_> = (0..19).map(|n| id(&format!("building-{n}"))).collect();
    building.iter().for_each(|id| subscribe(&reflector, &scope("eu-west-1"), id));
    let withdrawn = async {
        loop {
            let changed_id = id(&changed.next().await.unwrap().key);
            let reading = reflector.latest(&image(&scope("eu-west-1"), &changed_id), None).unwrap();
            if let Err(error) = reading.answer {
                return (changed_id, reading.answered_at, error.source_error.kind);
            }
        }
    };
    // One read of all builds takes 1,900 seconds.
    let (withdrawn_id, answered_at, kind) = tokio::time::timeout(Duration::from_secs(7200), withdrawn).await.unwrap();
    assert!(answered_at.is_some() && kind == SourceErrorKind::Throttled);
    while changed.next().await.unwrap().key != withdrawn_id.as_str() {}
    let reading = reflector.latest(&image(&scope("eu-west-1"), &withdrawn_id), None).unwrap();
    assert!(reading.answer.is_ok(), "the next answer replaces the withdrawn one");
}

#[tokio::test(start_paused = true)]
async fn an_image_answered_early_in_a_long_read_is_read_again_before_the_read_ends() {
    let source = Arc::new(Source { budgets: default_budget(), ..Source::default() });
    let (reflector, _changed) = Reflector::new(source.clone(), SETTINGS);
    let building = (0..300).map(|n| id(&format!("building-{n}")));
    let begun = Instant::now();
    building.chain([id("absent-0")]).for_each(|id| subscribe(&reflector, &scope("eu-west-1"), &id));
    tokio::time::sleep(Duration::from_secs(200)).await;
    let reads = source.schedule(begun, "eu-west-1").into_iter().filter(|(_, call)| *call == 2 || *call == 3).count();
    assert!(reads >= 3, "the absent image is read each minute, while 300 builds take four minutes: {reads}");
}

#[tokio::test(start_paused = true)]
async fn a_settled_image_is_not_in_progress_even_if_the_intervals_are_equal() {
    let source = Arc::new(Source::default());
    source.describe("img-0", "first");
    let intervals = Intervals { settled: INTERVALS.in_progress, ..INTERVALS };
    let (reflector, mut changed) = Reflector::new(source, ReflectorSettings { intervals, ..SETTINGS });
    observe(&reflector, &mut changed, &scope("eu-west-1"), &ids(1)).await;
    assert!(!reflector.freshness(&subscriber(&scope("eu-west-1"), &id("img-0"))).unwrap().is_in_progress);
}

#[tokio::test(start_paused = true)]
async fn a_denied_scope_does_not_change_when_another_scope_is_read() {
    let alone = schedule_beside(None).await;
    assert!(alone.len() > 1000, "{}", alone.len());
    let beside = schedule_beside(Some(Region::parse("eu-west-2").unwrap())).await;
    let other = alone.iter().zip(&beside).position(|(alone, beside)| alone != beside);
    let around =
        |calls: &[(Duration, usize)]| calls.iter().skip(other.unwrap_or_default()).take(9).copied().collect::<Vec<_>>();
    assert!(alone == beside, "from call {other:?} on: {:?} and {:?}", around(&alone), around(&beside));
}
