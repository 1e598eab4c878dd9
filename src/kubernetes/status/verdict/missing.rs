//! The condition table if there is no AMI and no stack at work. The AMI may still appear, may lack its tags, may be
//! gone, or never existed.

use crate::describe_image::observation::tag_key;
use crate::describe_image::{ImageBuildStatus, ImageId, Observation};
use crate::kubernetes::custom_image::CustomImageStatus;
use crate::kubernetes::status::moment::{Moment, Orphan};
use crate::kubernetes::status::ready_reason::ReadyReason;
use crate::kubernetes::status::verdict::{Progress, Story, Verdict, build_failed, second};
use crate::kubernetes::status::{build_story, conditions};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

/// The build is done and no AMI is listed. This normally takes minutes; after the finalizing period the AMI counts as
/// an orphan. `stack_goes`: CloudFormation is deleting the stack.
#[must_use]
pub fn finalizing(about: &str, stack_goes: bool, story: &Story<'_>, moment: &Moment<'_>) -> Verdict {
    let until = moment.finalizing_until();
    let verdict = if moment.now < until {
        let message = format!("{about}, no AMI with this id is listed yet; reported as orphaned at {}", second(until));
        let verdict = Verdict::new("False", ReadyReason::Finalizing, message, Progress::Reconciling);
        Verdict { until: Some(until), ..verdict }
    } else {
        orphaned(about, stack_goes, story, moment)
    };
    Verdict { mark: Some(conditions::FINALIZING), ..verdict }
}

/// The build's AMI exists without ParallelCluster's tags, or it is gone.
fn orphaned(about: &str, stack_goes: bool, story: &Story<'_>, moment: &Moment<'_>) -> Verdict {
    let arn = story.build.and_then(|build| build.image_arn.as_deref());
    let mark = conditions::find(&moment.previous.conditions, conditions::FINALIZING);
    // The mark repeats the last verdict. It stays while EC2 does not answer about the orphan.
    let unasked = mark.filter(|_| *story.orphan == Orphan::Unknown);
    let gone = [ReadyReason::Deleted.name(), ReadyReason::Deleting.name()];
    if *story.orphan == Orphan::Gone || unasked.is_some_and(|mark| gone.contains(&mark.reason.as_str())) {
        let of_build = arn.map(|arn| format!(" of image build {arn}")).unwrap_or_default();
        let message = format!("{about}, and no AMI{of_build} exists any more");
        let (reason, progress) = if stack_goes {
            (ReadyReason::Deleting, Progress::Reconciling)
        } else {
            (ReadyReason::Deleted, Progress::Stalled)
        };
        return Verdict::new("False", reason, message, progress);
    }
    let was_found = |mark: &&Condition| {
        mark.reason == ReadyReason::OrphanedImage.name() && mark.message.starts_with(&format!("{about}, but "))
    };
    if let Some(mark) = unasked.filter(was_found) {
        return Verdict::new("False", ReadyReason::OrphanedImage, mark.message.clone(), Progress::Stalled);
    }
    let found = match story.orphan {
        Orphan::Found(ami_id) => format!("AMI {ami_id} lacks ParallelCluster's tags"),
        Orphan::Unknown | Orphan::Gone => "its tagging failed".to_owned(),
    };
    let any = build_story::any_image_arn(moment.image_id);
    let why = story.build.and_then(|build| build.log_stream.as_ref());
    let why = why.map(|_| format!(". Why: customimage-operator logs {}", moment.object)).unwrap_or_default();
    let message = format!(
        "{about}, but no AMI with this id is listed: {found}. Find it: aws ec2 describe-images --region {} \
         --owners self --filters 'Name=tag:{},Values={}'; then tag it or deregister it{why}",
        moment.region,
        tag_key::IMAGE_BUILD,
        arn.unwrap_or(&any),
    );
    Verdict::new("False", ReadyReason::OrphanedImage, message, Progress::Stalled)
}

const STACK_IS_GONE: &str = "the build's stack is gone";

/// AWS has neither an AMI nor a stack of the image.
#[must_use]
pub fn of_absence(other_stack: Option<&str>, story: &Story<'_>, moment: &Moment<'_>) -> Verdict {
    // The stack of a good build may be deleted before EC2 lists the tagged AMI. The stack of an orphan is deleted, too.
    if conditions::find(&moment.previous.conditions, conditions::FINALIZING).is_some() {
        let verdict = finalizing(STACK_IS_GONE, false, story, moment);
        let is_over = verdict.reason == ReadyReason::Deleted;
        return Verdict { mark: Some(if is_over { conditions::ABSENT } else { conditions::FINALIZING }), ..verdict };
    }
    // After an orphan is gone, the message stays the same.
    let is_orphans =
        |mark: &&Condition| mark.reason == ReadyReason::Deleted.name() && mark.message.starts_with(STACK_IS_GONE);
    if let Some(mark) = conditions::find(&moment.previous.conditions, conditions::ABSENT).filter(is_orphans) {
        let verdict = Verdict::new("False", ReadyReason::Deleted, mark.message.clone(), Progress::Stalled);
        return Verdict { mark: Some(conditions::ABSENT), ..verdict };
    }
    Verdict { mark: Some(conditions::ABSENT), ..nothing_there(other_stack, story, moment) }
}

fn nothing_there(other_stack: Option<&str>, story: &Story<'_>, moment: &Moment<'_>) -> Verdict {
    let id = moment.image_id;
    let account = moment.absent_from().map(|account| format!(" of account {account}")).unwrap_or_default();
    let about = format!("no image or stack with id {id} in {}{account}", moment.region);
    let hint = hint(other_stack, moment);
    if was_seen(moment.previous, story) {
        let ami = story.ami_id().map(|ami_id| format!("; AMI {ami_id} is gone")).unwrap_or_default();
        let failure = story.failure.and_then(build_failed::sentence);
        let advice = || build_failed::advice(story, moment);
        let failure = failure.map(|sentence| format!("; its build {sentence}; {}", advice())).unwrap_or_default();
        let message = format!("{about} any more{ami}{failure}{hint}");
        return Verdict::new("False", ReadyReason::Deleted, message, Progress::Stalled);
    }
    let until = moment.created.checked_add(moment.periods.not_found).unwrap_or(Timestamp::MAX);
    if moment.now < until {
        let message = format!("{about}{hint}{REPORTED_AT}{} if it is still missing then", second(until));
        let verdict = Verdict::new("False", ReadyReason::NotFound, message, Progress::Reconciling);
        return Verdict { until: Some(until), ..verdict };
    }
    Verdict::new("False", ReadyReason::NotFound, format!("{about}{hint}"), Progress::Stalled)
}

/// Text in a message before the time at which an image that was never found counts as failed.
pub const REPORTED_AT: &str = "; reported as failed at ";

/// Names the two most frequent mistakes: the name of another stack, or an AMI id, as `spec.imageId`.
fn hint(other_stack: Option<&str>, moment: &Moment<'_>) -> String {
    let id = moment.image_id;
    let stack =
        other_stack.map(|_| format!("; a stack named {id} is there, and it builds no image")).unwrap_or_default();
    let is_ami = ImageId::parse(id).is_ok_and(|id| id.looks_like_an_ami_id());
    let ami = format!("; {id} is an AMI id: spec.imageId is the id that pcluster build-image was given");
    if is_ami { format!("{stack}{ami}") } else { stack }
}

/// True if an earlier observation contained this image. The story has its build also if an earlier version of the operator
/// wrote the status.
fn was_seen(previous: &CustomImageStatus, story: &Story<'_>) -> bool {
    let deleted = ReadyReason::Deleted.name();
    let is_marked =
        conditions::find(&previous.conditions, conditions::ABSENT).is_some_and(|mark| mark.reason == deleted);
    story.build.is_some() || previous.image.image_build_status.is_some() || is_marked
}

/// Whether an orphan can explain this observation: no AMI, and either no stack or one that is complete or being
/// deleted.
#[must_use]
pub fn may_be_orphaned(observation: &Observation) -> bool {
    match observation {
        Observation::Ami { .. } => false,
        Observation::Stack { stack, .. } => matches!(
            stack.status.as_deref().and_then(ImageBuildStatus::of_stack),
            Some(ImageBuildStatus::BuildComplete | ImageBuildStatus::DeleteInProgress)
        ),
        Observation::Absent { .. } => true,
    }
}
