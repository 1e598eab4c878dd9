//! The order of reads: first AMIs in bulk, then the stack and its image build for each id that needs them. AMIs are read
//! in the way that takes fewer calls: by ids, or all of the scope. Generic over the port.

mod build;
pub mod context;
mod newest;
pub mod plan;

use crate::describe_image::image_config;
use crate::describe_image::image_id::ImageId;
use crate::describe_image::observation::{Ami, Observation, tag, tag_key};
use crate::describe_image::observe::build::with_image_build;
use crate::describe_image::observe::context::ReadContext;
use crate::describe_image::observe::newest::Newest;
use crate::describe_image::observe::plan::Plan;
use crate::describe_image::scope::Scope;
use crate::describe_image::source::{ImageSource, MAX_IDS, Turn};
use crate::describe_image::source_error::{SourceError, SourceErrorKind};
use futures::StreamExt;
use futures::stream::FuturesUnordered;

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
    context: &impl ReadContext,
) -> Result<Observation, ObserveError> {
    let mut answer = Ok(Observation::Absent { other_stack: None });
    observe_each(source, scope, std::slice::from_ref(id), plan, context, |(_, observed)| answer = observed).await;
    answer
}

/// Like [`observe`], but passes each answer to `answer` as soon as it arrives. An id that lost its last subscriber
/// meanwhile may get no answer.
async fn observe_each<S: ImageSource>(
    source: &S,
    scope: &Scope,
    ids: &[ImageId],
    plan: Plan,
    context: &impl ReadContext,
    mut answer: impl FnMut(Observed) + Send,
) {
    let Amis { needs_stack, .. } = observe_amis(source, scope, ids, plan, context, &mut answer).await;
    observe_stacks(source, scope, needs_stack, context, answer).await;
}

/// The result of the first stage of a read.
pub struct Amis {
    /// The ids that need their stack, each with its AMI if it has one.
    pub needs_stack: Vec<(ImageId, Option<Ami>)>,
    /// How many AMIs the scope has, if all were read.
    pub count: Option<usize>,
}

/// The first stage: reads the AMIs. Answers for the ids that need no stack.
pub async fn observe_amis<S: ImageSource>(
    source: &S,
    scope: &Scope,
    ids: &[ImageId],
    plan: Plan,
    context: &impl ReadContext,
    mut answer: impl FnMut(Observed) + Send,
) -> Amis {
    let mut amis = Amis { needs_stack: Vec::new(), count: None };
    let turn = context.shared_turn(scope);
    let mut batches: Vec<_> = ids.chunks(plan.batch(ids.len())).rev().collect();
    while let Some(ids) = batches.pop() {
        match newest_amis(source, scope, ids, plan, &turn, &mut amis.count).await {
            Ok(newest) => sort_out(newest, ids, &mut amis.needs_stack, &mut answer),
            // One AMI may make the whole reply unreadable. The others are read without it.
            Err(error) if error.bad_reply.is_some() && ids.len() > 1 => {
                batches.extend(ids.chunks(MAX_IDS.min(ids.len().div_ceil(2))));
            }
            Err(error) => ids.iter().for_each(|id| answer(failed(id, Step::Image, error.clone()))),
        }
    }
    amis
}

/// The second stage: reads the stacks of `ids`, and their image builds.
pub async fn observe_stacks<S: ImageSource>(
    source: &S,
    scope: &Scope,
    ids: Vec<(ImageId, Option<Ami>)>,
    context: &impl ReadContext,
    mut answer: impl FnMut(Observed) + Send,
) {
    let reads = ids.into_iter().map(|(id, ami)| observe_stack(source, scope, context, id, ami));
    // All at once, because each waits for its own turn within the budget.
    let mut reads: FuturesUnordered<_> = reads.collect();
    while let Some(observed) = reads.next().await {
        observed.into_iter().for_each(&mut answer);
    }
}

/// The newest AMI of each of `ids`. Reads the AMIs of these ids if one call can carry them, otherwise all AMIs of the
/// scope.
async fn newest_amis<'a, S: ImageSource>(
    source: &S,
    scope: &Scope,
    ids: &'a [ImageId],
    plan: Plan,
    turn: &Turn,
    count: &mut Option<usize>,
) -> Result<Newest<'a>, SourceError> {
    let mut newest = Newest::of(ids, plan.includes_disabled);
    if ids.len() <= MAX_IDS {
        source.amis(scope, ids, turn).await?.iter().for_each(|(id, ami)| newest.take(id.clone(), ami));
        return Ok(newest);
    }
    let mut all = 0;
    let taken = |ami: Ami| {
        all += 1;
        newest.take_tagged(&ami);
    };
    source.all_amis(scope, turn, taken).await?;
    *count = Some(all);
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

/// Reads the stack of `id`. With an AMI, the stack only gives the location of the configuration file. Without one, the stack
/// is the image. `None` if the image has lost its last subscriber.
async fn observe_stack<S: ImageSource>(
    source: &S,
    scope: &Scope,
    context: &impl ReadContext,
    id: ImageId,
    ami: Option<Ami>,
) -> Option<Observed> {
    let step = match &ami {
        None => Step::Image,
        Some(ami) if tag(&ami.tags, tag_key::S3_BUCKET).is_some() => Step::Folder,
        Some(_) => Step::Bucket,
    };
    let read = match (context.stack(source, scope, &id).await?, ami) {
        (Ok(stack), Some(ami)) => Ok(Observation::Ami { ami, stack, refused: None }),
        // The image exists even if its stack may not be read. Only the location of its configuration file stays
        // unknown.
        (Err(error), Some(ami)) if error.kind == SourceErrorKind::AccessDenied => {
            Ok(Observation::Ami { ami, stack: None, refused: Some(error) })
        }
        (Ok(Some(stack)), None) if image_config::is_image_stack(&stack) => {
            // On the heap, because thousands of these futures may wait for their stack.
            Box::pin(with_image_build(source, scope, context, &id, stack)).await
        }
        // A stack with the image's name that builds no image is unrelated.
        (Ok(other), None) => Ok(Observation::Absent { other_stack: other.and_then(|stack| stack.arn) }),
        (Err(error), _) => Err(error),
    };
    Some(match read {
        Ok(observation) => (id, Ok(observation)),
        Err(error) => failed(&id, step, error),
    })
}

#[cfg(test)]
mod tests;
