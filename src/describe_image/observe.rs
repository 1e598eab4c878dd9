//! The order of reads: AMIs in bulk, then a stack and its image build for each id without one; each in the cheaper of two
//! ways, by ids or all there are. Generic over the port.

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

/// Stacks read at once in one call of [`observe`]; CloudFormation grants about five reads a second.
const STACK_READS_AT_ONCE: usize = 8;

/// Why one image could not be observed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct ObserveError {
    pub image_id: ImageId,
    pub step: Step,
    pub source_error: SourceError,
}

/// What was being read for, as the reference's messages tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Image,
    /// The stack, for the bucket that the AMI's tags do not name.
    Bucket,
    /// The stack, for the folder that the AMI's tags do not name.
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

/// Observes every id of `ids`: exactly one answer each, in no particular order.
pub async fn observe<S: ImageSource>(source: &S, scope: &Scope, ids: &[ImageId]) -> Vec<Observed> {
    let mut answers = Vec::with_capacity(ids.len());
    observe_each(source, scope, ids, Plan::once(), &(), |answer| answers.push(answer)).await;
    answers
}

/// Observes one image.
///
/// # Errors
/// When AWS does not answer.
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

/// As [`observe`], each answer as soon as it is there. Gives the sizes that it has learned.
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
    // What has no stack is answered at once: it need not wait for others' builds.
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

/// The AMIs of `ids`: of these alone when one call can ask for them, else out of all there are.
async fn newest_amis<'a, S: ImageSource>(
    source: &S,
    scope: &Scope,
    ids: &'a [ImageId],
    plan: Plan,
    learned: &mut Sizes,
) -> Result<Newest<'a>, SourceError> {
    let mut newest = Newest::of(ids, plan.counts_disabled);
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

/// Answers for the AMIs that say all themselves; the others need their stack.
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
                let error = SourceError::unasked(SourceErrorKind::ServiceError, error.to_string());
                answer(failed(id, Step::Image, error));
            }
        }
    }
}

fn failed(id: &ImageId, step: Step, source_error: SourceError) -> Observed {
    (id.clone(), Err(ObserveError { image_id: id.clone(), step, source_error }))
}

/// What the stack tells: where an AMI's configuration is, or all that there is of an image without one.
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
        // The AMI is there all the same; only where its configuration is cannot be said.
        (Err(error), Some(ami)) if error.kind == SourceErrorKind::AccessDenied => {
            Ok(Observation::Ami { ami, stack: None, refused: Some(error) })
        }
        (Ok(Some(stack)), None) if image_config::is_image_stack(&stack) => {
            with_image_build(stacks, history, &id, stack).await
        }
        // A stack of that name that builds no image is none of ours.
        (Ok(other), None) => Ok(Observation::Absent { other_stack: other.and_then(|stack| stack.arn) }),
        (Err(error), _) => Err(error),
    };
    match read {
        Ok(observation) => (id, Ok(observation)),
        Err(error) => failed(&id, step, error),
    }
}

/// A refused or broken read of the build leaves its fields out; a throttled one is worth another try of the whole.
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

/// The build of a stack that is as it was and will not go on by itself: it cannot have changed either.
fn ended_build(last: Observation, stack: &Stack) -> Option<ImageBuild> {
    let Observation::Stack { stack: before, image_build: Some(build), refused: None } = last else { return None };
    let is_same = before.arn == stack.arn && before.status == stack.status;
    let has_ended = !stack.status.as_deref().unwrap_or_default().ends_with("_IN_PROGRESS")
        && matches!(build.status.as_deref(), Some("CANCELLED" | "FAILED" | "DELETED"));
    (is_same && has_ended).then_some(build)
}

#[cfg(test)]
mod tests;
