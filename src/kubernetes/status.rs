//! The next status, a pure function of the previous one, what came of looking at AWS, and the time.

pub mod build_story;
pub mod conditions;
pub mod transition;
mod unanswered;
pub mod verdict;

use crate::describe_image::response::{ImageFields, Tag};
use crate::describe_image::source_error::SourceError;
use crate::describe_image::{DescribeImageResponse, Observation, redact};
use crate::kubernetes::custom_image::CustomImageStatus;
use crate::kubernetes::status::conditions::Finding;
use crate::kubernetes::status::verdict::{Progress, Story, Verdict};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// How long a state may last before it is called another.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// From an object's creation until an image that was never seen counts as failed.
    pub not_found_grace: SignedDuration,
    /// From a build's end until its missing AMI counts as orphaned.
    pub finalizing_period: SignedDuration,
    /// From the first error until a status that was observed before shows it.
    pub error_grace: SignedDuration,
    /// The age of the last observation past which Ready is not told any more, at the least: three intervals are
    /// always granted.
    pub staleness_budget: SignedDuration,
}

/// What came of looking at AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The response is `None` when there is neither an image nor a stack.
    Observed {
        observation: Arc<Observation>,
        response: Option<Box<DescribeImageResponse>>,
        orphan: Orphan,
    },
    /// The AMI that the status shows is not listed; one more look must agree.
    Unconfirmed,
    Failed {
        error: SourceError,
        message: String,
        since: Timestamp,
        last_observed: Timestamp,
    },
    Suspended,
}

/// The AMI of a build that is done and has none with its id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Orphan {
    /// Nobody has asked, or AWS has not answered.
    #[default]
    Unknown,
    /// Its AMI id.
    Found(String),
    Gone,
}

/// All that the next status depends on beside the outcome.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    pub previous: &'a CustomImageStatus,
    pub image_id: &'a str,
    pub region: &'a str,
    /// The account that answers in this scope, as far as this process has learned it.
    pub account_id: Option<&'a str>,
    pub generation: Option<i64>,
    pub created: Timestamp,
    pub now: Timestamp,
    /// The pause between two looks at an object as it stands.
    pub interval: SignedDuration,
    pub settings: &'a Settings,
}

impl Moment<'_> {
    /// Since when the finished build waits for its AMI: the condition remembers, so a restart does not forget.
    #[must_use]
    pub fn finalizing_since(&self) -> Timestamp {
        conditions::find(&self.previous.conditions, conditions::FINALIZING)
            .map_or(self.now, |condition| condition.last_transition_time.0)
    }

    /// Until when a finished build may be without its AMI.
    #[must_use]
    pub fn finalizing_until(&self) -> Timestamp {
        self.finalizing_since().checked_add(self.settings.finalizing_period).unwrap_or(Timestamp::MAX)
    }

    /// The account that an absence is told of. One of an earlier absence stands; one of an image that was there may have
    /// been another's credentials.
    #[must_use]
    pub fn absent_from(&self) -> Option<&str> {
        let is_absent =
            conditions::MARKS.iter().any(|mark| conditions::find(&self.previous.conditions, mark).is_some());
        self.account_id.or_else(|| self.previous.account_id.as_deref().filter(|_| is_absent))
    }

    fn staleness_budget(&self) -> SignedDuration {
        self.settings.staleness_budget.max(self.interval.saturating_mul(3))
    }
}

/// The next status, and when time alone will change it.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    pub status: CustomImageStatus,
    pub until: Option<Timestamp>,
}

/// The status that follows.
#[must_use]
pub fn next(outcome: &Outcome, moment: &Moment<'_>) -> Next {
    match outcome {
        Outcome::Observed { observation, response, orphan } => {
            observed(observation, response.as_deref(), orphan, moment)
        }
        Outcome::Unconfirmed => unanswered::kept(moment, None, None),
        Outcome::Failed { error, message, since, last_observed } => {
            unanswered::failed(error, message, *since, *last_observed, moment)
        }
        Outcome::Suspended => unanswered::suspended(moment),
    }
}

fn observed(
    observation: &Observation,
    response: Option<&DescribeImageResponse>,
    orphan: &Orphan,
    moment: &Moment<'_>,
) -> Next {
    let (build, failure) = build_story::next(moment.previous, observation, moment.now);
    // Another build has a clock of its own.
    let mut previous = moment.previous.clone();
    if build_story::is_another(&previous, build.as_ref()) {
        previous.conditions.retain(|condition| condition.type_ != conditions::FINALIZING);
    }
    let moment = &Moment { previous: &previous, ..*moment };
    let story = Story { build: build.as_ref(), failure: failure.as_ref(), orphan };
    let verdict = verdict::of_observation(observation, &story, moment);
    let mut status = CustomImageStatus { build, failure, ..bare(moment) };
    if let Some(DescribeImageResponse { image_configuration, image_id: _, image, region: _ }) = response {
        status.image_configuration = Some(image_configuration.clone());
        status.image = image.clone();
        keep_tag_order(&mut status.image, &moment.previous.image);
    } else {
        status.account_id = moment.absent_from().map(str::to_owned);
    }
    let synced = if response.is_some() { "ObservedImage" } else { "ObservedAbsence" };
    let synced = finding(conditions::SYNCED, "True", synced, "the status is what AWS answered".to_owned());
    let incomplete = observation.refused().map(|error| payload_incomplete(observation, error));
    finish(status, &verdict, [Some(synced), incomplete].into_iter().flatten(), moment)
}

fn payload_incomplete(observation: &Observation, error: &SourceError) -> Finding {
    let missing = match observation {
        Observation::Ami { .. } => "imageConfiguration.url is not known",
        Observation::Stack { .. } | Observation::Absent { .. } => "the imagebuilder fields are left out",
    };
    let message = format!("{} failed and {missing}: {}", error.action, redact::message(&error.message));
    Finding { keeps_message: true, ..finding(conditions::PAYLOAD_COMPLETE, "False", error.kind.reason(), message) }
}

fn bare(moment: &Moment<'_>) -> CustomImageStatus {
    CustomImageStatus {
        observed_generation: moment.generation,
        account_id: moment.account_id.map(str::to_owned).or_else(|| moment.previous.account_id.clone()),
        last_handled_reconcile_at: moment.previous.last_handled_reconcile_at.clone(),
        build: moment.previous.build.clone(),
        failure: moment.previous.failure.clone(),
        image_id: Some(moment.image_id.to_string()),
        region: Some(moment.region.to_owned())
            .filter(|region| !region.is_empty())
            .or_else(|| moment.previous.region.clone()),
        ..CustomImageStatus::default()
    }
}

fn finish(
    mut status: CustomImageStatus,
    verdict: &Verdict,
    others: impl Iterator<Item = Finding>,
    moment: &Moment<'_>,
) -> Next {
    let reason = verdict.reason.name();
    let is_error = !verdict.reason.is_observed();
    let ready = Finding {
        keeps_message: is_error,
        ..finding(conditions::READY, verdict.ready, reason, verdict.message.clone())
    };
    let progress = match verdict.progress {
        Progress::Done => None,
        Progress::Reconciling => Some(conditions::RECONCILING),
        Progress::Stalled => Some(conditions::STALLED),
    };
    let beside = |type_| Finding { type_, status: "True", ..ready.clone() };
    let told = std::iter::once(ready.clone()).chain(progress.map(beside)).chain(verdict.mark.map(beside));
    let findings = told.chain(others);
    status.conditions =
        conditions::date(findings.collect(), &moment.previous.conditions, moment.generation, moment.now);
    sort(&mut status);
    Next { status, until: verdict.until }
}

/// One order for good, so that equal conditions compare equal: a merging server has an order of its own.
pub fn sort(status: &mut CustomImageStatus) {
    status.conditions.sort_by_key(|condition| (condition.type_ != conditions::READY, condition.type_.clone()));
}

fn finding(type_: &'static str, status: &'static str, reason: &'static str, message: String) -> Finding {
    Finding { type_, status, reason, message, keeps_message: false }
}

/// AWS promises no order of tags: the same set keeps the order that stands.
fn keep_tag_order(next: &mut ImageFields, previous: &ImageFields) {
    let keep = |next: &mut Vec<Tag>, previous: &Vec<Tag>| {
        if sorted(next) == sorted(previous) {
            next.clone_from(previous);
        }
    };
    if let (Some(next), Some(previous)) = (&mut next.cloudformation_stack_tags, &previous.cloudformation_stack_tags) {
        keep(next, previous);
    }
    if let (Some(next), Some(previous)) = (&mut next.ec2_ami_info, &previous.ec2_ami_info) {
        keep(&mut next.tags, &previous.tags);
    }
}

fn sorted(tags: &[Tag]) -> Vec<&Tag> {
    let mut tags: Vec<_> = tags.iter().collect();
    tags.sort();
    tags
}

#[cfg(test)]
pub(super) mod tests;
