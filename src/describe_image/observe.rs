//! The order of reads: AMIs in bulk, then a stack and its image build for each id without one; each in the cheaper of two
//! ways, by ids or all there are. Generic over the port.

use super::image_config;
use super::image_id::ImageId;
use super::known::{Known, Nothing, Sizes};
use super::observation::{Ami, ImageBuild, Observation, Stack, tag, tag_key};
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

/// The answer for one id.
pub type Observed = (ImageId, Result<Observation, ObserveError>);

/// Observes every id of `ids`: exactly one answer each, in no particular order.
pub async fn observe<S: ImageSource>(source: &S, scope: &Scope, ids: &[ImageId]) -> Vec<Observed> {
    let mut answers = Vec::with_capacity(ids.len());
    observe_each(source, scope, ids, &Nothing, |answer| answers.push(answer)).await;
    answers
}

/// As [`observe`], each answer as soon as it is there; gives the sizes that it has learned.
pub async fn observe_each<S: ImageSource, K: Known>(
    source: &S,
    scope: &Scope,
    ids: &[ImageId],
    known: &K,
    mut answer: impl FnMut(Observed) + Send,
) -> Sizes {
    let (sizes, mut learned) = (known.sizes(), Sizes::default());
    let mut without_ami = Vec::new();
    for (ids, amis) in read_amis(source, scope, ids, sizes, &mut learned).await {
        match amis {
            Ok(amis) => {
                let mut newest = newest_by_id(amis);
                for id in ids {
                    match newest.remove(id) {
                        Some(ami) if image_config::is_told_by(&ami) => {
                            answer((id.clone(), Ok(Observation::Ami { ami, stack: None })));
                        }
                        ami => without_ami.push((id.clone(), ami)),
                    }
                }
            }
            Err(error) => ids.iter().for_each(|id| answer(failed(id, Step::Image, error.clone()))),
        }
    }
    let stacks = read_stacks(source, scope, without_ami.len(), sizes, &mut learned).await;
    let stacks = Stacks { source, scope, swept: stacks };
    let mut reads = stream::iter(without_ami)
        .map(|(id, ami)| observe_stack(&stacks, known, id, ami))
        .buffer_unordered(STACK_READS_AT_ONCE);
    while let Some(observed) = reads.next().await {
        answer(observed);
    }
    learned
}

type Amis = Result<Vec<(ImageId, Ami)>, SourceError>;

/// The AMIs of `ids`, with the ids that each answer is for.
async fn read_amis<'a, S: ImageSource>(
    source: &S,
    scope: &Scope,
    ids: &'a [ImageId],
    sizes: Sizes,
    learned: &mut Sizes,
) -> Vec<(&'a [ImageId], Amis)> {
    if !sizes.has_cheap_amis(ids.len()) {
        let batches = ids.chunks(MAX_IDS).map(|batch| async move { (batch, source.amis(scope, batch).await) });
        return stream::iter(batches).then(|read| read).collect().await;
    }
    let all = source.all_amis(scope).await.map(|amis| {
        learned.amis = Some(amis.len());
        let tagged = |ami: Ami| Some((ImageId::parse(tag(&ami.tags, tag_key::IMAGE_ID)?).ok()?, ami));
        amis.into_iter().filter_map(tagged).collect()
    });
    vec![(ids, all)]
}

type ByName = HashMap<String, Stack>;

/// All stacks by name, when reading them all is cheaper than `ids` by name, and allowed.
async fn read_stacks<S: ImageSource>(
    source: &S,
    scope: &Scope,
    ids: usize,
    sizes: Sizes,
    learned: &mut Sizes,
) -> Option<Result<ByName, SourceError>> {
    if !sizes.has_cheap_stacks(ids) {
        return None;
    }
    match source.all_stacks(scope).await {
        Ok(stacks) => {
            learned.stacks = Some(stacks.len());
            let named = |stack: Stack| Some((stack.name()?.to_owned(), stack));
            Some(Ok(stacks.into_iter().filter_map(named).collect()))
        }
        // To list them is a right of its own; by name they can still be read.
        Err(error) if error.kind == SourceErrorKind::AccessDenied => None,
        Err(error) => Some(Err(error)),
    }
}

/// Where stacks are read from: one by one, or from all that were read before.
struct Stacks<'a, S> {
    source: &'a S,
    scope: &'a Scope,
    swept: Option<Result<ByName, SourceError>>,
}

impl<S: ImageSource> Stacks<'_, S> {
    async fn get(&self, id: &ImageId) -> Result<Option<Stack>, SourceError> {
        match &self.swept {
            Some(Ok(stacks)) => Ok(stacks.get(id.as_str()).cloned()),
            Some(Err(error)) => Err(error.clone()),
            None => self.source.stack(self.scope, id).await,
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

/// What the stack tells: where an AMI's configuration is, or all that there is of an image without one.
async fn observe_stack<S: ImageSource>(
    stacks: &Stacks<'_, S>,
    known: &impl Known,
    id: ImageId,
    ami: Option<Ami>,
) -> Observed {
    let step = match &ami {
        None => Step::Image,
        Some(ami) if tag(&ami.tags, tag_key::S3_BUCKET).is_some() => Step::Folder,
        Some(_) => Step::Bucket,
    };
    let read = match (stacks.get(&id).await, ami) {
        (Ok(stack), Some(ami)) => Ok(Observation::Ami { ami, stack }),
        (Ok(Some(stack)), None) if image_config::is_image_stack(&stack) => {
            with_image_build(stacks, known, &id, stack).await
        }
        // A stack of that name that builds no image is none of ours.
        (Ok(_), None) => Ok(Observation::Absent),
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
    known: &impl Known,
    id: &ImageId,
    stack: Stack,
) -> Result<Observation, SourceError> {
    if let Some(image_build) = known.last(id).and_then(|last| ended_build(last, &stack)) {
        return Ok(Observation::Stack { stack, image_build: Some(image_build), refused: None });
    }
    match stacks.source.image_build(stacks.scope, id, &stack).await {
        Ok(image_build) => Ok(Observation::Stack { stack, image_build, refused: None }),
        Err(error) if error.kind == SourceErrorKind::Throttled => Err(error),
        Err(error) => Ok(Observation::Stack { stack, image_build: None, refused: Some(error) }),
    }
}

/// The build of a stack that is as it was and will not go on by itself: it cannot have changed either.
fn ended_build(last: Observation, stack: &Stack) -> Option<ImageBuild> {
    let Observation::Stack { stack: before, image_build: Some(build), refused: None } = last else { return None };
    let is_same = before.arn == stack.arn && before.status == stack.status;
    let has_ended = !stack.status.as_deref().unwrap_or_default().ends_with("_IN_PROGRESS")
        && matches!(build.status.as_deref(), Some("AVAILABLE" | "CANCELLED" | "FAILED" | "DEPRECATED" | "DELETED"));
    (is_same && has_ended).then_some(build)
}

#[cfg(test)]
#[path = "observe_tests.rs"]
mod tests;
