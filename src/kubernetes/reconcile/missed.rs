//! EC2 is eventually consistent: what it does not list is gone only when a second read agrees, a while later.

use crate::describe_image::response::{Ec2AmiInfo, ImageFields};
use jiff::{SignedDuration, Timestamp};

/// So much later.
const CONFIRM_AFTER: SignedDuration = SignedDuration::from_secs(15);

/// A read that began at `read_at` has missed something. Gives when to read again. `None`: it is gone.
pub fn confirmed_at(missed_at: &mut Option<Timestamp>, read_at: Timestamp) -> Option<Timestamp> {
    // A clock that was set back must not make the wait longer.
    let first = missed_at.map_or(read_at, |missed_at| missed_at.min(read_at));
    *missed_at = Some(first);
    first.checked_add(CONFIRM_AFTER).ok().filter(|confirmed_at| read_at < *confirmed_at)
}

/// When a read may confirm what was missed.
#[must_use]
pub fn due_at(missed_at: Option<Timestamp>) -> Option<Timestamp> {
    missed_at?.checked_add(CONFIRM_AFTER).ok()
}

/// Whether the status shows an image and AWS has none, or EC2 only a lesser one of the same id. Of a stack, too: its AMI may have
/// been tagged, and the stack have gone, between the two reads.
#[must_use]
pub fn is_missed(now: Option<&ImageFields>, before: &ImageFields) -> bool {
    let Some(shown) = &before.ec2_ami_info else { return before.image_build_status.is_some() && now.is_none() };
    match now.and_then(|image| Some((image, image.ec2_ami_info.as_ref()?))) {
        None => true,
        Some((image, listed)) => {
            let rank = |image: &ImageFields, ami: &Ec2AmiInfo| {
                (ami.state.as_deref() == Some("AVAILABLE"), image.creation_time.clone(), ami.ami_id.clone())
            };
            listed.ami_id != shown.ami_id && rank(image, listed) < rank(before, shown)
        }
    }
}
