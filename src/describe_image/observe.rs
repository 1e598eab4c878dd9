//! The order of reads: AMIs in bulk, then a stack and its image build for each id without one. Generic over the port.

use super::image_config;
use super::image_id::ImageId;
use super::observation::{Ami, Observation, Stack, tag, tag_key};
use super::scope::Scope;
use super::source::{ImageSource, MAX_IDS};
use super::source_error::{SourceError, SourceErrorKind};
use futures::{StreamExt, stream};
use std::collections::HashMap;

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

/// Whoever answers for one id, however many are asked at once behind it.
pub trait Observe: Send + Sync {
    fn observe_one(
        &self,
        scope: &Scope,
        id: &ImageId,
    ) -> impl Future<Output = Result<Observation, ObserveError>> + Send;
}

/// The answer for one id.
pub type Observed = (ImageId, Result<Observation, ObserveError>);

/// Observes every id of `ids`: exactly one answer each, in no particular order.
pub async fn observe<S: ImageSource>(source: &S, scope: &Scope, ids: &[ImageId]) -> Vec<Observed> {
    let mut answers = Vec::with_capacity(ids.len());
    observe_each(source, scope, ids, |answer| answers.push(answer)).await;
    answers
}

/// As [`observe`], each answer as soon as it is there: none waits for another's stack.
pub async fn observe_each<S: ImageSource>(
    source: &S,
    scope: &Scope,
    ids: &[ImageId],
    mut answer: impl FnMut(Observed) + Send,
) {
    for batch in ids.chunks(MAX_IDS) {
        match source.amis(scope, batch).await {
            Ok(amis) => {
                let mut newest = newest_by_id(amis);
                let reads: Vec<_> = batch.iter().map(|id| (id.clone(), newest.remove(id))).collect();
                let mut reads = stream::iter(reads)
                    .map(|(id, ami)| observe_one(source, scope, id, ami))
                    .buffer_unordered(STACK_READS_AT_ONCE);
                while let Some(observed) = reads.next().await {
                    answer(observed);
                }
            }
            Err(error) => batch.iter().for_each(|id| answer(failed(id, Step::Image, error.clone()))),
        }
    }
}

fn failed(id: &ImageId, step: Step, source_error: SourceError) -> Observed {
    (id.clone(), Err(ObserveError { image_id: id.clone(), step, source_error }))
}

/// Several AMIs may carry one id and EC2 promises no order: the newest, then the greater id, is a stable choice.
fn newest_by_id(amis: Vec<(ImageId, Ami)>) -> HashMap<ImageId, Ami> {
    let mut newest: HashMap<ImageId, Ami> = HashMap::new();
    for (id, ami) in amis {
        let is_newer =
            newest.get(&id).is_none_or(|known| (&ami.creation_date, &ami.id) > (&known.creation_date, &known.id));
        if is_newer {
            newest.insert(id, ami);
        }
    }
    newest
}

async fn observe_one<S: ImageSource>(source: &S, scope: &Scope, id: ImageId, ami: Option<Ami>) -> Observed {
    let Some(ami) = ami else { return observe_stack(source, scope, id).await };
    if image_config::is_told_by(&ami) {
        return (id, Ok(Observation::Ami { ami, stack: None }));
    }
    let has_bucket = tag(&ami.tags, tag_key::S3_BUCKET).is_some();
    match source.stack(scope, &id).await {
        Ok(stack) => (id, Ok(Observation::Ami { ami, stack })),
        Err(error) => failed(&id, if has_bucket { Step::Folder } else { Step::Bucket }, error),
    }
}

async fn observe_stack<S: ImageSource>(source: &S, scope: &Scope, id: ImageId) -> Observed {
    let stack = match source.stack(scope, &id).await {
        Ok(Some(stack)) if image_config::is_image_stack(&stack) => stack,
        // A stack of that name that builds no image is none of ours.
        Ok(_) => return (id, Ok(Observation::Absent)),
        Err(error) => return failed(&id, Step::Image, error),
    };
    match with_image_build(source, scope, &id, stack).await {
        Ok(observation) => (id, Ok(observation)),
        Err(error) => failed(&id, Step::Image, error),
    }
}

/// A refused or broken read of the build leaves its fields out; a throttled one is worth another try of the whole.
async fn with_image_build<S: ImageSource>(
    source: &S,
    scope: &Scope,
    id: &ImageId,
    stack: Stack,
) -> Result<Observation, SourceError> {
    match source.image_build(scope, id, &stack).await {
        Ok(image_build) => Ok(Observation::Stack { stack, image_build, refused: None }),
        Err(error) if error.kind == SourceErrorKind::Throttled => Err(error),
        Err(error) => Ok(Observation::Stack { stack, image_build: None, refused: Some(error) }),
    }
}

#[cfg(test)]
#[path = "observe_tests.rs"]
mod tests;
