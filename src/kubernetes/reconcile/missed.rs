//! The confirmation of a miss. EC2 is eventually consistent: what a read misses is gone only when a later read agrees.

use crate::describe_image::response::{Ec2AmiInfo, ImageFields};
use jiff::{SignedDuration, Timestamp};

/// The second read begins at least this long after the first.
const CONFIRM_AFTER: SignedDuration = SignedDuration::from_secs(15);

/// Records that the read that began at `read_at` missed something. Returns when to read again. `None`: it is gone.
pub fn confirmed_at(missed_at: &mut Option<Timestamp>, read_at: Timestamp) -> Option<Timestamp> {
    // If the clock was set back, the wait must not become longer.
    let first = missed_at.map_or(read_at, |missed_at| missed_at.min(read_at));
    *missed_at = Some(first);
    first.checked_add(CONFIRM_AFTER).ok().filter(|confirmed_at| read_at < *confirmed_at)
}

/// From when on a read may confirm the miss.
#[must_use]
pub fn due_at(missed_at: Option<Timestamp>) -> Option<Timestamp> {
    missed_at?.checked_add(CONFIRM_AFTER).ok()
}

/// Whether the status reports an image that the answer lacks. An AMI is missed if there is none, or only one of lower
/// rank with the same image id. A stack is missed if there is nothing: between the read of the AMIs and the read of the
/// stacks, its AMI may have been tagged and the stack deleted.
#[must_use]
pub fn is_missed(now: Option<&ImageFields>, before: &ImageFields) -> bool {
    let Some(reported) = &before.ec2_ami_info else { return before.image_build_status.is_some() && now.is_none() };
    match now.and_then(|image| Some((image, image.ec2_ami_info.as_ref()?))) {
        None => true,
        Some((image, listed)) => {
            let rank = |image: &ImageFields, ami: &Ec2AmiInfo| {
                (ami.state.as_deref() == Some("AVAILABLE"), image.creation_time.clone(), ami.ami_id.clone())
            };
            listed.ami_id != reported.ami_id && rank(image, listed) < rank(before, reported)
        }
    }
}
