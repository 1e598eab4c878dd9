//! Grounds: a status does not say before its time that an image is missing or orphaned. It says that AWS fails only if a call of
//! AWS has failed, and that the object is suspended or has no region only if that is so.

use std::collections::BTreeMap;

use super::claims::text;
use super::{condition, process, reason};
use crate::api_server::StatusWrite;
use crate::aws::{Attempt, Aws};
use crate::time;
use crate::users::NOWHERE;

/// From the creation of an object until a missing image counts as failed, in seconds.
const NOT_FOUND: f64 = 1200.0;

/// From the end of a build until an image without an AMI is orphaned, in seconds.
const ORPHANED: f64 = 1800.0;

/// The longest backoff after a failed call, and twice as long for a write that was late, in seconds.
const REMEMBERED: f64 = 3.0 * 660.0;

/// A write may be under way for so long, in seconds.
const UNDER_WAY: f64 = 330.0;

#[derive(Debug, Default)]
pub struct Grounds {
    /// When the mark Finalizing of each object was set at the earliest, by uid.
    finalizing: BTreeMap<String, f64>,
    /// Whether a wall clock was ever wrong, so that nobody knows what is too early.
    is_clock_set: bool,
}

impl Grounds {
    /// A wall clock was set so many seconds off the true time.
    pub fn set_clock(&mut self, skew: i64) {
        self.is_clock_set |= skew != 0;
    }

    /// The status of this object, or of all (`None`), may be another one now.
    pub fn disturb(&mut self, uid: Option<&str>) {
        match uid {
            Some(uid) => drop(self.finalizing.remove(uid)),
            None => self.finalizing.clear(),
        }
    }

    /// What has no grounds in a status. `is_own`: nobody else has changed it lately.
    pub fn missing(&mut self, write: &StatusWrite, is_own: bool, aws: &Aws) -> Option<String> {
        let too_early = self.too_early(write, is_own);
        if !is_own || reason(&write.said) == reason(&write.before) {
            return too_early;
        }
        let (spec, reason) = (&write.spec, reason(&write.said));
        let is_so = match reason {
            "Suspended" => spec["suspend"] == true,
            "UnknownRegion" => spec["region"] == NOWHERE,
            "NotYetObserved" | "Stale" | "AccessDenied" | "InvalidCredentials" | "InvalidRequest" => {
                has_failed(write, aws)
            }
            _ => true,
        };
        too_early.or_else(|| (!is_so).then(|| format!("nothing is the cause of {reason}")))
    }

    fn too_early(&mut self, write: &StatusWrite, is_own: bool) -> Option<String> {
        let (at, said) = (time::at(write.at), &write.said);
        let has_mark = |status| condition(status, "Finalizing").is_some();
        if !has_mark(said) {
            self.finalizing.remove(&write.uid);
        } else if is_own && !has_mark(&write.before) {
            self.finalizing.insert(write.uid.clone(), at - UNDER_WAY);
        }
        let is_stalled = condition(said, "Stalled").is_some();
        let not_before = match reason(said) {
            "NotFound" if is_stalled => time::at(write.created) + NOT_FOUND,
            "OrphanedImage" => self.finalizing.get(&write.uid)? + ORPHANED,
            _ => return None,
        };
        // One clock may gain a minute in an hour while the other one loses it.
        let is_early = at + 2.0 + at / 30.0 < not_before;
        (is_early && !self.is_clock_set)
            .then(|| format!("{} at {at:.0} s, and not from {not_before:.0} s on", reason(said)))
    }
}

/// Whether the process that writes has lately made a call in the region that AWS did not answer.
fn has_failed(write: &StatusWrite, aws: &Aws) -> bool {
    let (at, region) = (time::at(write.at), text(&write.said, "region"));
    let is_failed = |attempt: &Attempt| {
        let is_its = Some(attempt.caller) == process(&write.client) && attempt.region == region;
        is_its && attempt.sent <= at && attempt.answered > at
    };
    let is_lately = |attempt: &&Attempt| attempt.sent >= at - REMEMBERED;
    aws.attempts(|attempts| attempts.iter().rev().take_while(is_lately).any(is_failed))
}
