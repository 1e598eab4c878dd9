//! Puts the next status together: the payload, the conditions, and when they may change without a new observation.

use crate::describe_image::response::{ImageFields, Tag};
use crate::describe_image::source_error::redacted;
use crate::describe_image::{DescribeImageResponse, Observation, SourceError, SourceErrorKind};
use crate::kubernetes::custom_image::CustomImageStatus;
use crate::kubernetes::custom_image::build::Build;
use crate::kubernetes::status::conditions::{self, Finding};
use crate::kubernetes::status::moment::{Moment, Orphan, Outcome};
use crate::kubernetes::status::ready_reason::ReadyReason;
use crate::kubernetes::status::unanswered::{self, Change};
use crate::kubernetes::status::verdict::{self, Progress, Story, Verdict};
use crate::kubernetes::status::{build_story, build_times};
use jiff::Timestamp;

/// The next status, and when it may change without a new observation.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    pub status: CustomImageStatus,
    pub until: Option<Timestamp>,
}

/// Computes the next status from the previous one in `moment`.
#[must_use]
pub fn next(outcome: &Outcome, moment: &Moment<'_>) -> Next {
    match outcome {
        Outcome::Observed { observation, response, orphan } => {
            observed(observation, response.as_deref(), orphan, moment)
        }
        Outcome::Unconfirmed => unchanged(moment, None, None),
        Outcome::Failed { error, message, since, last_observed } => {
            unanswered(unanswered::failed(error, message, *since, *last_observed, moment), moment)
        }
        Outcome::Suspended => unanswered(unanswered::suspended(moment), moment),
    }
}

fn observed(
    observation: &Observation,
    response: Option<&DescribeImageResponse>,
    orphan: &Orphan,
    moment: &Moment<'_>,
) -> Next {
    let (build, failure) = build_story::next(moment.previous, observation, moment.now);
    let (build, phase) = build_times::dated(build, moment.previous, observation, moment.image_id, moment.now);
    // The finalizing period of another build starts anew.
    let mut previous = moment.previous.clone();
    previous.conditions.retain(conditions::is_no_false_mark);
    if build_story::is_another(&previous, &build) {
        previous.conditions.retain(|condition| condition.type_ != conditions::FINALIZING);
    }
    let build = Some(build).filter(|build| *build != Build::default());
    let moment = &Moment { previous: &previous, ..*moment };
    let story = Story { build: build.as_ref(), failure: failure.as_ref(), orphan };
    let verdict = match observation {
        Observation::Ami { ami, .. } => verdict::ami::of_ami(ami, moment),
        Observation::Stack { stack, image_build, refused: _ } => {
            verdict::stack::of_stack(stack, image_build.as_ref(), &story, moment)
        }
        Observation::Absent { other_stack } => verdict::missing::of_absence(other_stack.as_deref(), &story, moment),
    };
    let mut status = CustomImageStatus { build, phase, failure, ..bare(moment) };
    if let Some(DescribeImageResponse { image_configuration, image_id: _, image, region: _ }) = response {
        status.image_configuration = Some(image_configuration.clone());
        status.image = image.clone();
        keep_tag_order(&mut status.image, &moment.previous.image);
    } else {
        status.account_id = moment.absent_from().map(str::to_owned);
    }
    let synced = if response.is_some() { "ObservedImage" } else { "ObservedAbsence" };
    let synced = Finding::new(conditions::SYNCED, "True", synced, "the status is what AWS answered");
    let incomplete = observation.refused().map(|error| payload_incomplete(observation, error));
    finish(status, &verdict, [Some(synced), incomplete].into_iter().flatten(), moment)
}

fn payload_incomplete(observation: &Observation, error: &SourceError) -> Finding {
    let missing = match observation {
        Observation::Ami { .. } => "imageConfiguration.url is not known",
        Observation::Stack { .. } | Observation::Absent { .. } => "the imagebuilder fields are left out",
    };
    let message = format!("{} failed and {missing}: {}", error.action(), redacted(&error.message));
    Finding { keeps_message: true, ..Finding::new(conditions::PAYLOAD_COMPLETE, "False", error.kind.reason(), message) }
}

/// AWS did not answer: the payload and the marks stay.
fn unanswered(change: Change, moment: &Moment<'_>) -> Next {
    match change {
        Change::Synced(synced, until) => unchanged(moment, synced, until),
        Change::Ready(verdict, synced) => {
            let status = CustomImageStatus {
                image_configuration: moment.previous.image_configuration.clone(),
                image: moment.previous.image.clone(),
                ..bare(moment)
            };
            finish(status, &verdict, std::iter::once(synced).chain(carried(moment)), moment)
        }
    }
}

/// The conditions about the image that stay until AWS answers: the marks and PayloadComplete.
fn carried(moment: &Moment<'_>) -> impl Iterator<Item = Finding> {
    let before = &moment.previous.conditions;
    let marks = conditions::MARKS.into_iter().filter_map(|type_| {
        let mark = conditions::find(before, type_).filter(|mark| conditions::is_no_false_mark(mark))?;
        let reason: ReadyReason = mark.reason.parse().ok()?;
        Some(Finding::new(type_, "True", reason.name(), &mark.message))
    });
    let incomplete = conditions::find(before, conditions::PAYLOAD_COMPLETE).and_then(|condition| {
        let kind = condition.reason.parse::<SourceErrorKind>().ok()?;
        Some(Finding::new(conditions::PAYLOAD_COMPLETE, "False", kind.reason(), &condition.message))
    });
    incomplete.into_iter().chain(marks.collect::<Vec<_>>())
}

/// Keeps everything except the generation. Replaces Synced if `synced` is given.
fn unchanged(moment: &Moment<'_>, synced: Option<Finding>, until: Option<Timestamp>) -> Next {
    let mut status = moment.previous.clone();
    status.observed_generation = moment.generation;
    if let Some(synced) = synced {
        let dated = conditions::date(vec![synced], &status.conditions, moment.generation, moment.now);
        status.conditions.retain(|condition| condition.type_ != conditions::SYNCED);
        status.conditions.extend(dated);
        sort(&mut status);
    }
    for condition in &mut status.conditions {
        condition.observed_generation = moment.generation;
    }
    Next { status, until }
}

fn bare(moment: &Moment<'_>) -> CustomImageStatus {
    CustomImageStatus {
        observed_generation: moment.generation,
        account_id: moment.account_id.map(str::to_owned).or_else(|| moment.previous.account_id.clone()),
        last_handled_reconcile_at: moment.previous.last_handled_reconcile_at.clone(),
        build: moment.previous.build.clone(),
        phase: moment.previous.phase.clone(),
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
    let ready =
        Finding { keeps_message: is_error, ..Finding::new(conditions::READY, verdict.ready, reason, &verdict.message) };
    let progress = match verdict.progress {
        Progress::Done => None,
        Progress::Reconciling => Some(conditions::RECONCILING),
        Progress::Stalled => Some(conditions::STALLED),
    };
    let beside = |type_| Finding { type_, status: "True", ..ready.clone() };
    let of_verdict = std::iter::once(ready.clone()).chain(progress.map(beside)).chain(verdict.mark.map(beside));
    let findings = of_verdict.chain(others);
    status.conditions =
        conditions::date(findings.collect(), &moment.previous.conditions, moment.generation, moment.now);
    sort(&mut status);
    Next { status, until: verdict.until }
}

/// Sorts the conditions, because the API server may merge them in another order. Then equal conditions compare equal.
pub fn sort(status: &mut CustomImageStatus) {
    status.conditions.sort_by_key(|condition| (condition.type_ != conditions::READY, condition.type_.clone()));
}

/// Keeps the previous order of tags if the set is the same, because AWS guarantees no order.
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
