//! Tests of the order of reads, with a hand-written source.

use super::*;
use crate::describe_image::image_config::new_tag;
use crate::describe_image::image_id::Region;
use crate::describe_image::observation::{ImageBuild, Stack};
use crate::describe_image::observe::plan::Sizes;
use crate::describe_image::source::Priority;
use crate::describe_image::source_error::SourceErrorKind;
use std::sync::Mutex;

/// Answers from fixed data and records the calls.
#[derive(Default)]
struct Source {
    amis: Vec<(ImageId, Ami)>,
    amis_error: Option<SourceError>,
    stack: Option<Stack>,
    stack_error: Option<SourceError>,
    build_error: Option<SourceError>,
    calls: Mutex<Vec<String>>,
}

impl Source {
    fn note(&self, what: String) {
        self.calls.lock().unwrap().push(what);
    }
    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

impl ImageSource for Source {
    async fn amis(&self, _: &Scope, ids: &[ImageId], _: &Turn) -> Result<Vec<(ImageId, Ami)>, SourceError> {
        self.note(format!("amis of {}", ids.len()));
        self.amis_error.clone().map_or_else(|| Ok(self.amis.clone()), Err)
    }
    async fn all_amis(&self, _: &Scope, _: &Turn, take: impl FnMut(Ami) + Send) -> Result<(), SourceError> {
        self.note("all amis".into());
        self.amis.iter().map(|(_, ami)| ami.clone()).for_each(take);
        self.amis_error.clone().map_or(Ok(()), Err)
    }
    async fn all_stacks(&self, _: &Scope, _: &Turn, _: impl FnMut(Stack) + Send) -> Result<(), SourceError> {
        unreachable!("the reflector decides when to read all stacks")
    }
    async fn stack(&self, _: &Scope, id: &ImageId, _: &Turn) -> Result<Option<Stack>, SourceError> {
        self.note(format!("stack of {id}"));
        self.stack_error.clone().map_or_else(|| Ok(self.stack.clone()), Err)
    }
    async fn image_build(
        &self,
        _: &Scope,
        id: &ImageId,
        _: &Stack,
        _: &Turn,
    ) -> Result<Option<ImageBuild>, SourceError> {
        self.note(format!("build of {id}"));
        self.build_error.clone().map_or_else(|| Ok(Some(ImageBuild::default())), Err)
    }
}

fn id(text: &str) -> ImageId {
    ImageId::parse(text).unwrap()
}

fn scope() -> Scope {
    Scope::default_identity(Region::parse("eu-west-1").unwrap())
}

fn error(kind: SourceErrorKind) -> Option<SourceError> {
    Some(SourceError::asked(kind, "ec2:DescribeImages", "Rate exceeded"))
}

fn location_tags() -> Vec<crate::describe_image::response::Tag> {
    vec![new_tag(tag_key::S3_BUCKET, "b"), new_tag(tag_key::S3_IMAGE_DIR, "d")]
}

fn ami(name: &str, date: Option<&str>) -> Ami {
    Ami {
        id: Some(name.into()),
        creation_date: date.map(|date| date.parse().unwrap()),
        tags: location_tags(),
        ..Ami::default()
    }
}

fn image_stack() -> Option<Stack> {
    Some(Stack { tags: location_tags(), ..Stack::default() })
}

fn observe_one_id(source: &Source) -> Result<Observation, ObserveError> {
    futures::executor::block_on(observe(source, &scope(), &[id("hpc")])).remove(0).1
}

#[test]
fn an_ami_tagged_with_bucket_and_folder_takes_one_read() {
    let source = Source { amis: vec![(id("hpc"), ami("ami-1", None))], ..Source::default() };
    assert!(matches!(observe_one_id(&source), Ok(Observation::Ami { stack: None, .. })));
    assert_eq!(source.calls(), ["amis of 1"]);
}

#[test]
fn the_newest_ami_then_the_greater_ami_id_is_taken() {
    let amis = [
        ("ami-3", None),
        ("ami-1", Some("2024-01-02T00:00:00Z")),
        ("ami-2", Some("2024-01-02T00:00:00Z")),
        ("ami-9", Some("2024-01-01T00:00:00Z")),
    ];
    let source = Source { amis: amis.iter().map(|(n, d)| (id("hpc"), ami(n, *d))).collect(), ..Source::default() };
    let Ok(Observation::Ami { ami, .. }) = observe_one_id(&source) else { panic!("an AMI") };
    assert_eq!(ami.id.as_deref(), Some("ami-2"));
}

#[test]
fn a_newer_unavailable_ami_never_hides_an_available_one() {
    let in_state =
        |name: &str, date: &str, state: &str| (id("hpc"), Ami { state: Some(state.into()), ..ami(name, Some(date)) });
    let (old, new) = ("2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z");
    for (older, newer, taken) in [
        ("available", "pending", "ami-old"),
        ("available", "failed", "ami-old"),
        ("available", "disabled", "ami-old"),
        ("available", "available", "ami-new"),
        ("failed", "pending", "ami-new"),
        ("failed", "disabled", "ami-new"),
        ("disabled", "failed", "ami-new"),
    ] {
        for is_swapped in [false, true] {
            let mut amis = vec![in_state("ami-old", old, older), in_state("ami-new", new, newer)];
            if is_swapped {
                amis.reverse();
            }
            let source = Source { amis, ..Source::default() };
            let Ok(Observation::Ami { ami, .. }) = observe_one_id(&source) else { panic!("an AMI") };
            assert_eq!(ami.id.as_deref(), Some(taken), "{older} {newer}");
        }
    }
}

#[test]
fn the_official_view_ignores_a_disabled_ami_and_falls_back_to_the_stack() {
    let disabled = Ami { state: Some("disabled".into()), ..ami("ami-1", Some("2024-01-02T00:00:00Z")) };
    let failed = Ami { state: Some("failed".into()), ..ami("ami-2", Some("2024-01-01T00:00:00Z")) };
    let mut source = Source { amis: vec![(id("hpc"), disabled)], stack: image_stack(), ..Source::default() };
    let official = |source: &Source| {
        let plan = Plan { includes_disabled: false, ..Plan::once() };
        futures::executor::block_on(observe_one(source, &scope(), &id("hpc"), plan, &()))
    };
    assert!(matches!(official(&source), Ok(Observation::Stack { .. })));
    source.amis.push((id("hpc"), failed));
    let Ok(Observation::Ami { ami, .. }) = official(&source) else { panic!("an AMI") };
    assert_eq!(ami.id.as_deref(), Some("ami-2"));
}

#[test]
fn an_ami_is_observed_even_if_its_stack_may_not_be_read() {
    let mut bare = ami("ami-1", None);
    bare.tags.clear();
    let source = Source {
        amis: vec![(id("hpc"), bare.clone())],
        stack_error: error(SourceErrorKind::AccessDenied),
        ..Source::default()
    };
    let refused = error(SourceErrorKind::AccessDenied);
    assert_eq!(observe_one_id(&source), Ok(Observation::Ami { ami: bare, stack: None, refused }));
}

#[test]
fn an_unrelated_stack_with_the_images_name_is_reported_in_the_absence() {
    let stack = Stack { arn: Some("arn:of-something-else".into()), ..Stack::default() };
    let source = Source { stack: Some(stack), ..Source::default() };
    let other_stack = Some("arn:of-something-else".to_owned());
    assert_eq!(observe_one_id(&source), Ok(Observation::Absent { other_stack }));
}

#[test]
fn an_error_of_ec2_never_falls_back_to_the_stack() {
    let source = Source { amis_error: error(SourceErrorKind::ServiceError), stack: image_stack(), ..Source::default() };
    assert!(observe_one_id(&source).is_err());
    assert_eq!(source.calls(), ["amis of 1"]);
}

#[test]
fn the_build_of_a_stack_that_builds_no_image_is_not_read() {
    let source = Source { stack: Some(Stack::default()), ..Source::default() };
    assert_eq!(observe_one_id(&source), Ok(Observation::Absent { other_stack: None }));
    assert_eq!(source.calls(), ["amis of 1", "stack of hpc"]);
}

#[test]
fn a_refused_build_is_reported_and_a_throttled_build_fails_the_observation() {
    let mut source =
        Source { stack: image_stack(), build_error: error(SourceErrorKind::AccessDenied), ..Source::default() };
    assert!(matches!(observe_one_id(&source), Ok(Observation::Stack { image_build: None, refused: Some(_), .. })));
    source.build_error = error(SourceErrorKind::Throttled);
    let failure = observe_one_id(&source).unwrap_err();
    assert_eq!(failure.to_string(), "Unable to get image hpc, due to Rate exceeded.");
}

#[test]
fn the_error_of_a_stack_read_names_the_tag_that_the_ami_lacks() {
    let mut bare = ami("ami-1", None);
    bare.tags.clear();
    let mut source = Source {
        amis: vec![(id("hpc"), bare.clone())],
        stack_error: error(SourceErrorKind::Throttled),
        ..Source::default()
    };
    let text = observe_one_id(&source).unwrap_err().to_string();
    assert!(text.starts_with("Unable to get S3 bucket name from image hpc. Unable to get image hpc, due to"), "{text}");
    bare.tags.push(new_tag(tag_key::S3_BUCKET, "b"));
    source.amis = vec![(id("hpc"), bare)];
    let text = observe_one_id(&source).unwrap_err().to_string();
    assert!(text.starts_with("Unable to get artifact directory from image hpc."), "{text}");
}

fn answered(source: &Source, ids: &[ImageId]) -> Vec<ImageId> {
    let mut answered: Vec<_> =
        futures::executor::block_on(observe(source, &scope(), ids)).into_iter().map(|(id, _)| id).collect();
    answered.sort();
    answered
}

fn many(count: usize) -> Vec<ImageId> {
    let mut ids: Vec<_> = (0..count).map(|n| id(&format!("hpc-{n}"))).collect();
    ids.sort();
    ids
}

/// An AMI tagged with its image id, as EC2 lists it.
fn tagged(id: &ImageId) -> (ImageId, Ami) {
    let mut ami = ami("ami-1", None);
    ami.tags.push(new_tag(tag_key::IMAGE_ID, id.as_str()));
    (id.clone(), ami)
}

#[test]
fn up_to_200_ids_take_one_call_and_more_ids_take_one_read_of_all_if_that_is_cheaper() {
    for (count, expected) in [(200, "amis of 200"), (450, "all amis")] {
        let ids = many(count);
        let source = Source { amis: ids.iter().map(tagged).collect(), ..Source::default() };
        assert_eq!(answered(&source, &ids), ids, "each gets one answer");
        assert_eq!(source.calls(), [expected]);
    }
}

fn observe_with_sizes(sizes: Sizes, source: &Source, ids: &[ImageId]) {
    futures::executor::block_on(observe_each(source, &scope(), ids, Plan { sizes, ..Plan::once() }, &(), |_| {}));
}

#[test]
fn in_a_large_account_a_few_hundred_ids_are_read_in_batches() {
    let ids = many(450);
    let source = Source { amis: ids.iter().map(tagged).collect(), ..Source::default() };
    observe_with_sizes(Sizes { amis: Some(5000), stacks: None }, &source, &ids);
    assert_eq!(source.calls(), ["amis of 200", "amis of 200", "amis of 50"]);
}

#[test]
fn an_ended_build_of_an_unchanged_stack_is_not_read_again() {
    struct Before(Observation);
    impl ReadContext for Before {
        fn shared_turn(&self, scope: &Scope) -> Turn {
            Turn::shared(Priority::InProgress, scope)
        }
        fn last(&self, _: &ImageId) -> Option<Observation> {
            Some(self.0.clone())
        }
    }
    for (status, build, is_read) in [
        ("CREATE_FAILED", "FAILED", false),
        ("CREATE_FAILED", "BUILDING", true),
        ("ROLLBACK_IN_PROGRESS", "FAILED", true),
    ] {
        let stack = Stack { arn: Some("arn".into()), status: Some(status.into()), ..image_stack().unwrap() };
        let image_build = Some(ImageBuild { status: Some(build.into()), ..ImageBuild::default() });
        let history = Before(Observation::Stack { stack: stack.clone(), image_build, refused: None });
        let source = Source { stack: Some(stack), ..Source::default() };
        futures::executor::block_on(observe_each(&source, &scope(), &[id("hpc")], Plan::once(), &history, |_| {}));
        assert_eq!(source.calls().contains(&"build of hpc".to_owned()), is_read, "{status} {build}");
    }
}
