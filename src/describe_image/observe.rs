//! The order of reads: first AMIs in bulk, then the stack and its image build for each id that needs them. AMIs and
//! stacks are each read in the way that takes fewer calls: by ids, or all of the scope. Generic over the port.

mod newest;
pub mod plan;
mod stacks;

use crate::describe_image::image_config;
use crate::describe_image::image_id::ImageId;
use crate::describe_image::observation::{Ami, ImageBuild, Observation, Stack, tag, tag_key};
use crate::describe_image::observe::newest::Newest;
use crate::describe_image::observe::plan::{History, Plan, Sizes};
use crate::describe_image::scope::Scope;
use crate::describe_image::source::{ImageSource, MAX_IDS};
use crate::describe_image::source_error::{SourceError, SourceErrorKind};
use futures::{StreamExt, stream};
use stacks::{Stacks, all_stacks};

/// Concurrent reads of stacks in one call of [`observe`]. CloudFormation allows about five reads a second.
const STACK_READS_AT_ONCE: usize = 8;

/// Why one image could not be observed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct ObserveError {
    pub image_id: ImageId,
    pub step: Step,
    pub source_error: SourceError,
}

/// What the failed read was for. The official program has a message for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Image,
    /// The stack, because the AMI's tags do not contain the bucket.
    Bucket,
    /// The stack, because the AMI's tags do not contain the folder.
    Folder,
}

impl ObserveError {
    fn text(&self) -> String {
        let id = &self.image_id;
        let cause = format!("Unable to get image {id}, due to {}.", self.source_error.message);
        match self.step {
            Step::Image => cause,
            Step::Bucket => format!("Unable to get S3 bucket name from image {id}. {cause}"),
            Step::Folder => format!("Unable to get artifact directory from image {id}. {cause}"),
        }
    }
}

/// The answer for one id.
pub type Observed = (ImageId, Result<Observation, ObserveError>);

/// Observes every id of `ids`. Returns exactly one answer for each, in no particular order.
pub async fn observe<S: ImageSource>(source: &S, scope: &Scope, ids: &[ImageId]) -> Vec<Observed> {
    let mut answers = Vec::with_capacity(ids.len());
    observe_each(source, scope, ids, Plan::once(), &(), |answer| answers.push(answer)).await;
    answers
}

/// Observes one image.
///
/// # Errors
/// If AWS does not answer.
pub async fn observe_one<S: ImageSource>(
    source: &S,
    scope: &Scope,
    id: &ImageId,
    plan: Plan,
) -> Result<Observation, ObserveError> {
    let mut answer = Ok(Observation::Absent { other_stack: None });
    observe_each(source, scope, std::slice::from_ref(id), plan, &(), |(_, observed)| answer = observed).await;
    answer
}

/// Like [`observe`], but passes each answer to `answer` as soon as it arrives. An id that lost its last subscriber
/// meanwhile may get no answer. Returns the sizes of what it has read completely.
pub async fn observe_each<S: ImageSource>(
    source: &S,
    scope: &Scope,
    ids: &[ImageId],
    plan: Plan,
    history: &impl History,
    mut answer: impl FnMut(Observed) + Send,
) -> Sizes {
    let mut learned = Sizes::default();
    let mut without_ami = Vec::new();
    for ids in ids.chunks(plan.batch(ids.len())) {
        match newest_amis(source, scope, ids, plan, &mut learned).await {
            Ok(newest) => sort_out(newest, ids, &mut without_ami, &mut answer),
            Err(error) => ids.iter().for_each(|id| answer(failed(id, Step::Image, error.clone()))),
        }
    }
    let priority = plan.priority;
    let swept = match plan.sweeps_stacks(without_ami.len()) {
        true => all_stacks(source, scope, priority, &mut learned).await,
        false => None,
    };
    let stacks = Stacks { source, scope, priority, swept };
    // Ids without a stack come first, because their answers need no further read.
    without_ami.sort_by_key(|(id, _)| !stacks.lacks(id));
    let mut reads = stream::iter(without_ami)
        .filter(|(id, _)| std::future::ready(history.is_subscribed(id)))
        .map(|(id, ami)| observe_stack(&stacks, history, id, ami))
        .buffer_unordered(STACK_READS_AT_ONCE);
    while let Some(observed) = reads.next().await {
        answer(observed);
    }
    learned
}

/// The newest AMI of each of `ids`. Reads the AMIs of these ids if one call can carry them, otherwise all AMIs of the
/// scope.
async fn newest_amis<'a, S: ImageSource>(
    source: &S,
    scope: &Scope,
    ids: &'a [ImageId],
    plan: Plan,
    learned: &mut Sizes,
) -> Result<Newest<'a>, SourceError> {
    let mut newest = Newest::of(ids, plan.includes_disabled);
    if ids.len() <= MAX_IDS {
        source.amis(scope, ids, plan.priority).await?.iter().for_each(|(id, ami)| newest.take(id.clone(), ami));
        return Ok(newest);
    }
    let mut all = 0;
    let taken = |ami: Ami| {
        all += 1;
        newest.take_tagged(&ami);
    };
    source.all_amis(scope, plan.priority, taken).await?;
    learned.amis = Some(all);
    Ok(newest)
}

/// Answers for the AMIs whose tags contain the location of the configuration file. Adds the other ids to `without_ami`,
/// because they need their stack.
fn sort_out(
    mut newest: Newest<'_>,
    ids: &[ImageId],
    without_ami: &mut Vec<(ImageId, Option<Ami>)>,
    answer: &mut impl FnMut(Observed),
) {
    for id in ids {
        match newest.remove(id) {
            Ok(Some(ami)) if image_config::is_told_by(&ami) => {
                answer((id.clone(), Ok(Observation::Ami { ami, stack: None, refused: None })));
            }
            Ok(ami) => without_ami.push((id.clone(), ami)),
            Err(error) => {
                let error = SourceError::asked(SourceErrorKind::ServiceError, "ec2:DescribeImages", error.to_string());
                answer(failed(id, Step::Image, error));
            }
        }
    }
}

fn failed(id: &ImageId, step: Step, source_error: SourceError) -> Observed {
    (id.clone(), Err(ObserveError { image_id: id.clone(), step, source_error }))
}

/// Reads the stack of `id`. If there is an AMI, the stack only gives the location of its configuration file. If there
/// is no AMI, the stack is the image.
async fn observe_stack<S: ImageSource>(
    stacks: &Stacks<'_, S>,
    history: &impl History,
    id: ImageId,
    ami: Option<Ami>,
) -> Observed {
    let step = match &ami {
        None => Step::Image,
        Some(ami) if tag(&ami.tags, tag_key::S3_BUCKET).is_some() => Step::Folder,
        Some(_) => Step::Bucket,
    };
    let read = match (stacks.get(&id).await, ami) {
        (Ok(stack), Some(ami)) => Ok(Observation::Ami { ami, stack, refused: None }),
        // The image exists even if its stack may not be read. Only the location of its configuration file stays
        // unknown.
        (Err(error), Some(ami)) if error.kind == SourceErrorKind::AccessDenied => {
            Ok(Observation::Ami { ami, stack: None, refused: Some(error) })
        }
        (Ok(Some(stack)), None) if image_config::is_image_stack(&stack) => {
            with_image_build(stacks, history, &id, stack).await
        }
        // A stack with the image's name that builds no image is unrelated.
        (Ok(other), None) => Ok(Observation::Absent { other_stack: other.and_then(|stack| stack.arn) }),
        (Err(error), _) => Err(error),
    };
    match read {
        Ok(observation) => (id, Ok(observation)),
        Err(error) => failed(&id, step, error),
    }
}

/// Adds the image build to `stack`. If the read of the build fails, the build's fields are left out.
///
/// # Errors
/// If the read of the build is throttled, because then a retry of the whole image is likely to succeed.
async fn with_image_build<S: ImageSource>(
    stacks: &Stacks<'_, S>,
    history: &impl History,
    id: &ImageId,
    stack: Stack,
) -> Result<Observation, SourceError> {
    if let Some(image_build) = history.last(id).and_then(|last| ended_build(last, &stack)) {
        return Ok(Observation::Stack { stack, image_build: Some(image_build), refused: None });
    }
    let (mut image_build, refused) = match stacks.source.image_build(stacks.scope, id, &stack, stacks.priority).await {
        Ok(image_build) => (image_build, None),
        Err(error) => (None, Some(error)),
    };
    let refused = refused.or_else(|| image_build.as_mut()?.refused.take());
    match refused {
        Some(error) if error.kind == SourceErrorKind::Throttled => Err(error),
        refused => Ok(Observation::Stack { stack, image_build, refused }),
    }
}

/// The last observed build, if it cannot have changed: it has ended, and its stack has ended and is unchanged.
fn ended_build(last: Observation, stack: &Stack) -> Option<ImageBuild> {
    let Observation::Stack { stack: before, image_build: Some(build), refused: None } = last else { return None };
    let is_same = before.arn == stack.arn && before.status == stack.status;
    let has_ended = !stack.status.as_deref().unwrap_or_default().ends_with("_IN_PROGRESS")
        && matches!(build.status.as_deref(), Some("CANCELLED" | "FAILED" | "DELETED"));
    (is_same && has_ended).then_some(build)
}

#[cfg(test)]
mod tests;
