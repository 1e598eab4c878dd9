//! The condition table if AWS has a stack but no AMI: the stack's status decides Ready.

use crate::describe_image::ImageBuildStatus;
use crate::describe_image::observation::{ImageBuild, Stack};
use crate::kubernetes::status::conditions;
use crate::kubernetes::status::moment::Moment;
use crate::kubernetes::status::ready_reason::ReadyReason;
use crate::kubernetes::status::verdict::missing::finalizing;
use crate::kubernetes::status::verdict::{Progress, Story, Verdict, build_failed};

#[must_use]
pub fn of_stack(stack: &Stack, build: Option<&ImageBuild>, story: &Story<'_>, moment: &Moment<'_>) -> Verdict {
    let stack_status = stack.status.as_deref().unwrap_or("without a status");
    let build_status = build.and_then(|build| build.status.as_deref());
    let said = build_status.map(|status| format!(", Image Builder says {status}")).unwrap_or_default();
    let gone = story.ami_id().map(|ami_id| format!("AMI {ami_id} is gone; ")).unwrap_or_default();
    let about = format!("{gone}stack is {stack_status}{said}");
    let has_lost_its_ami = !gone.is_empty();
    let failed = |about: String| build_failed::message(about, stack, build, story, moment);
    // A recorded failure stays in the message, whatever the stack does now.
    let unless_failed = |about: String| if story.failure.is_some() { failed(about) } else { about };
    match ImageBuildStatus::of_stack(stack_status) {
        Some(ImageBuildStatus::BuildComplete) if has_lost_its_ami => {
            let message = format!("{about}: the stack was left behind");
            Verdict::new("False", ReadyReason::Deleted, message, Progress::Stalled)
        }
        Some(ImageBuildStatus::BuildComplete) => finalizing(&about, false, story, moment),
        Some(ImageBuildStatus::DeleteInProgress) if !has_lost_its_ami && is_done(build_status, moment) => {
            finalizing(&about, true, story, moment)
        }
        Some(ImageBuildStatus::DeleteInProgress) => {
            Verdict::new("False", ReadyReason::Deleting, unless_failed(about), Progress::Reconciling)
        }
        Some(ImageBuildStatus::BuildInProgress) => {
            Verdict::new("False", ReadyReason::Building, unless_failed(about), Progress::Reconciling)
        }
        Some(ImageBuildStatus::BuildFailed) => {
            Verdict::new("False", ReadyReason::BuildFailed, failed(about), Progress::Stalled)
        }
        Some(ImageBuildStatus::DeleteFailed) => {
            Verdict::new("False", ReadyReason::DeleteFailed, failed(about), Progress::Stalled)
        }
        Some(ImageBuildStatus::DeleteComplete) => Verdict::new("False", ReadyReason::Deleted, about, Progress::Stalled),
        None => Verdict::new("Unknown", ReadyReason::UnknownBuildStatus, unless_failed(about), Progress::Reconciling),
    }
}

/// True if the stack is being deleted because its build is done. Image Builder's image is deleted with the stack. So if
/// its status is missing, an earlier Finalizing mark decides.
fn is_done(build_status: Option<&str>, moment: &Moment<'_>) -> bool {
    let is_marked = || conditions::find(&moment.previous.conditions, conditions::FINALIZING).is_some();
    build_status.map_or_else(is_marked, |status| status == "AVAILABLE")
}
