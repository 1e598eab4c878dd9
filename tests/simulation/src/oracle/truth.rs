//! Truth: each part of a status (the AMI, the stack, the build) is as AWS has said it to a process of the operator, not longer
//! ago than the staleness budget allows. So is the absence of a part.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::claims::{self, Claim, text};
use super::grounds::Grounds;
use super::met::Meetings;
use super::{UNANSWERED, beside, condition, gone, is_operator, ready, reason};
use crate::api_server::StatusWrite;
use crate::aws::{Aws, Call, Facts};
use crate::plan::REGIONS;
use crate::time;
use crate::trace::Trace;

/// How old an answer may be when a status is written from it, in seconds: the staleness budget, and the longest backoff
/// after a failed read or write.
const OLDEST: f64 = 1800.0 + 660.0;

/// What is known of the writes to each object.
#[derive(Debug, Default)]
pub struct Truth {
    /// When the operator has written each object for the last three times, by uid.
    written: BTreeMap<String, [Option<f64>; 3]>,
    /// What the operator has said last of each object, by uid. An apply may leave the words of others beside it.
    last: BTreeMap<String, Value>,
    meetings: Meetings,
    grounds: Grounds,
    /// The objects whose image was there once, by uid.
    seen: BTreeSet<String>,
    /// When another program has last written each object, by uid.
    disturbed: BTreeMap<String, f64>,
    /// When the store was last set back.
    set_back: Option<f64>,
}

impl Truth {
    /// The store was set back, so any status may be an old one.
    pub fn set_back(&mut self) {
        self.set_back = Some(time::elapsed());
        self.seen.clear();
        self.last.clear();
        self.grounds.disturb(None);
    }

    /// A wall clock was set so many seconds off the true time.
    pub fn set_clock(&mut self, skew: i64) {
        self.grounds.set_clock(skew);
    }

    /// A status was written. The last process began to lead after `disturbed`. What it met counts as new for it, so that a
    /// status may be older while processes die again and again.
    pub fn check(&mut self, write: &StatusWrite, disturbed: f64, aws: &Aws, trace: &Trace) {
        let at = time::at(write.at);
        if !write.has_changed {
            return;
        }
        if !is_operator(&write.client) {
            self.disturbed.insert(write.uid.clone(), at);
            self.seen.remove(&write.uid);
            self.last.remove(&write.uid);
            self.grounds.disturb(Some(&write.uid));
            return;
        }
        let last = self.last.insert(write.uid.clone(), write.said.clone());
        let written = self.written.entry(write.uid.clone()).or_default();
        let [earliest, earlier, before] = *written;
        *written = [earlier, before, Some(at)];
        let disturbed_at = self.disturbed_at(&write.uid);
        let undisturbed = before.filter(|before| disturbed_at.is_none_or(|at| at < *before));
        // What others have written goes in three writes: an apply, a take-over of what they own, and another apply.
        let is_own = disturbed_at.is_none_or(|at| earliest.is_some_and(|earliest| at < earliest));
        let is_at_rest = is_unanswered(&write.said) || is_unanswered(&write.before);
        self.meetings.meet(write, disturbed_at.is_some() && undisturbed.is_none(), is_at_rest, aws);
        let met_nothing = is_own && self.meetings.of(write).is_nothing();
        self.check_existence(write, disturbed_at.is_none(), met_nothing, aws, trace);
        let groundless = self.grounds.missing(write, met_nothing, aws);
        let met_first = self.meetings.of(write);
        let wrong = ready::wrong(&write.said, false).filter(|_| !met_first.has_ready_of(&write.said));
        let wrong_beside = || beside::wrong(&write.said).filter(|_| met_nothing);
        let is_judged = is_own || !is_unanswered(&write.said);
        if let Some(wrong) =
            wrong.filter(|_| is_judged).or_else(wrong_beside).or(groundless).or_else(|| wrong_place(write))
        {
            trace.fail("truth", format_args!("{}/{}: {wrong}: {}", write.namespace, write.name, write.said));
        }
        if is_unanswered(&write.said) {
            if is_own {
                check_rest(write, last.as_ref().unwrap_or(&write.before), before, aws, trace);
            }
            return;
        }
        let (met, said) = (claims::of(&write.before), claims::of(&write.said));
        let oldest = if at - disturbed > OLDEST { at - OLDEST } else { f64::NEG_INFINITY };
        for claim in said.iter().filter(|claim| !met_first.has(&claim.what)) {
            if !was_said(claim, text(&write.said, "region"), (oldest, at), aws) {
                lie(write, claim, "has not said", trace);
            }
        }
        if let Some(before) = undisturbed {
            gone::check_absence(write, before, aws, trace);
            gone::check_order(write, before, (&met, &said), aws, trace);
        }
    }

    /// "Not found" is only what never was there, and "deleted" only what was. `is_ours`: nobody else has ever written the status.
    /// `is_own`: not lately.
    fn check_existence(&mut self, write: &StatusWrite, is_ours: bool, is_own: bool, aws: &Aws, trace: &Trace) {
        let (status, place) = (&write.said, (text(&write.said, "region"), text(&write.said, "imageId")));
        let existed = || has_existed(place, time::at(write.at), aws);
        let wrong = match reason(status) {
            "NotFound" if self.seen.contains(&write.uid) => "was never there, which was seen before",
            "Deleted" if is_ours && !existed() => "was there, which AWS never said",
            _ => "",
        };
        if !wrong.is_empty() {
            trace.fail("truth", format_args!("{}/{} {wrong}: {status}", write.namespace, write.name));
        }
        let is_seen = status["imageBuildStatus"].is_string() || reason(status) == "Deleted";
        if is_seen && (is_ours || is_own && existed()) {
            self.seen.insert(write.uid.clone());
        }
    }

    /// When something else than the operator has last changed the status of this object, or 0.
    pub fn disturbed(&self, object: &Value) -> f64 {
        self.disturbed_at(text(&object["metadata"], "uid")).unwrap_or_default()
    }

    fn disturbed_at(&self, uid: &str) -> Option<f64> {
        self.disturbed.get(uid).copied().into_iter().chain(self.set_back).reduce(f64::max)
    }

    /// Looks at an object at any time. It must not show what AWS has not had for too long, if the operator could have said so
    /// since `undisturbed`.
    pub fn check_age(&self, object: &Value, undisturbed: f64, aws: &Aws, trace: &Trace) {
        let (now, status) = (time::elapsed(), &object["status"]);
        let is_judged = now - undisturbed > OLDEST && object["spec"]["suspend"] != true;
        if !is_judged || status["conditions"].is_null() || is_unanswered(status) {
            return;
        }
        for claim in claims::of(status) {
            let region = text(status, "region");
            let is_young = was_said(&claim, region, (now - OLDEST, now), aws);
            let Claim { what, operation, subject, is_final, is_so, .. } = claim;
            let is_answer = |call: &Call| call.heard <= now && call.is_answer_about(operation, region, subject);
            let is_recent = |call: &&Call| call.at >= now - OLDEST;
            let was_asked = is_final || aws.calls(|calls| calls.iter().rev().take_while(is_recent).any(is_answer));
            // EC2 may have said it without having it.
            if !(is_young || was_asked && aws.had_since(now - OLDEST, is_so)) {
                let name = text(&object["metadata"], "name");
                trace.fail(
                    "truth",
                    format_args!("{name} still says {what}, which AWS has not said for {OLDEST} s: {status}"),
                );
            }
        }
    }
}

/// Whether a status says itself that AWS has not answered, or is not asked.
fn is_unanswered(status: &Value) -> bool {
    let is_unknown = condition(status, "Ready").is_some_and(|ready| ready["status"] == "Unknown");
    is_suspended(status) || is_unknown && UNANSWERED.contains(&reason(status))
}

fn is_suspended(status: &Value) -> bool {
    condition(status, "Synced").is_some_and(|synced| synced["reason"] == "Suspended")
}

/// While AWS is not asked, or does not answer, nothing changes that AWS has said. Only what it has told the process since the
/// write `before`, which said `last`, may come late, because that could not be written.
fn check_rest(write: &StatusWrite, last: &Value, before: Option<f64>, aws: &Aws, trace: &Trace) {
    let had = claims::words(last);
    if had == claims::words(&write.said) {
        return;
    }
    let (met, said, region) = (claims::of(last), claims::of(&write.said), text(&write.said, "region"));
    let (since, at) = (before.unwrap_or_default(), time::at(write.at));
    let is_told = aws.calls(|calls| calls.iter().rev().any(|call| call.heard > since && gone::is_heard(call, write)));
    let mut is_new = said.iter().filter(|claim| !had.contains(&claim.what));
    if !is_told || !is_new.all(|claim| was_said(claim, region, (at - OLDEST, at), aws)) {
        let (namespace, name) = (&write.namespace, &write.name);
        trace.fail("truth", format_args!("{namespace}/{name} changes without an answer of AWS: {}", write.said));
    }
    gone::check_absence(write, since, aws, trace);
    gone::check_order(write, since, (&met, &said), aws, trace);
}

/// What is wrong with the image that the status is about: it is another one than the user wants.
fn wrong_place(write: &StatusWrite) -> Option<String> {
    let (spec, said) = (&write.spec, &write.said);
    let region = spec["region"].as_str().unwrap_or(REGIONS[0]);
    let is_it = said["imageId"] == spec["imageId"] && text(said, "region") == region;
    (!is_it).then(|| format!("it is about another image than {spec}"))
}

/// Whether AWS has said by then that there is an AMI or a stack of this image.
fn has_existed((region, id): (&str, &str), at: f64, aws: &Aws) -> bool {
    let place = (region.to_owned(), id.to_owned());
    let has_stack = |facts: &Facts| facts.stacks.get(&place).is_some_and(|(arn, _)| !facts.is_of_another(arn));
    aws.calls(|calls| {
        calls.iter().filter(|call| call.heard <= at).any(|call| {
            let says =
                |operation| call.is_answer_about(operation, region, id).then_some(call.facts.as_deref()).flatten();
            says("DescribeImages").is_some_and(|facts| facts.amis.contains_key(&place))
                || says("DescribeStacks").is_some_and(has_stack)
        })
    })
}

pub fn lie(write: &StatusWrite, claim: &Claim<'_>, how: &str, trace: &Trace) {
    let (Claim { what, operation, .. }, StatusWrite { namespace, name, said, .. }) = (claim, write);
    trace.fail("truth", format_args!("{namespace}/{name} says {what}, which {operation} {how}: {said}"));
}

/// Whether AWS has said it between `oldest` and `at`.
fn was_said(claim: &Claim<'_>, region: &str, (oldest, at): (f64, f64), aws: &Aws) -> bool {
    aws.calls(|calls| {
        let oldest = if claim.is_final { f64::NEG_INFINITY } else { oldest };
        let recent = calls.iter().rev().take_while(|call| call.at >= oldest);
        recent.filter(|call| call.heard <= at).any(|call| claim.is_said_by(call, region))
    })
}
