//! Truth: each part of a status (the AMI, the stack, the build) is as AWS has said it to a process of the operator, not longer
//! ago than the staleness budget allows. So is the absence of a part.

use std::collections::BTreeMap;

use serde_json::Value;

use super::claims::{self, Claim, text};
use super::met::Meetings;
use super::{UNANSWERED, condition, is_operator, process, ready, reason};
use crate::api_server::StatusWrite;
use crate::aws::{Aws, Call, Facts};
use crate::time;
use crate::trace::Trace;

/// How old an answer may be when a status is written from it, in seconds: the staleness budget, and the longest backoff
/// after a failed read or write.
const OLDEST: f64 = 1800.0 + 660.0;

/// The time between two answers without an AMI that make it gone, in seconds.
const CONFIRMED: f64 = 15.0;

/// What is known of the writes to each object.
#[derive(Debug, Default)]
pub struct Truth {
    /// When the operator has written each object for the last time but one, and for the last time, by uid.
    written: BTreeMap<String, [Option<f64>; 2]>,
    meetings: Meetings,
    /// When another program has last written each object, by uid.
    disturbed: BTreeMap<String, f64>,
    /// When the store was last set back.
    set_back: Option<f64>,
}

impl Truth {
    /// The store was set back, so any status may be an old one.
    pub fn set_back(&mut self) {
        self.set_back = Some(time::elapsed());
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
            return;
        }
        let written = self.written.entry(write.uid.clone()).or_default();
        let [earlier, before] = *written;
        *written = [before, Some(at)];
        let disturbed_at = self.disturbed(&write.uid);
        self.meetings.meet(write, disturbed_at.is_some());
        let undisturbed = before.filter(|before| disturbed_at.is_none_or(|at| at < *before));
        if is_unanswered(&write.said) {
            // What others have written goes in two steps.
            if disturbed_at.is_none_or(|at| earlier.is_some_and(|earlier| at < earlier)) {
                check_rest(write, trace);
            }
            return;
        }
        let met_first = self.meetings.of(write);
        if let Some(wrong) = ready::wrong(&write.said, false).filter(|_| !met_first.has_ready_of(&write.said)) {
            trace.fail("truth", format_args!("{}/{}: {wrong}: {}", write.namespace, write.name, write.said));
        }
        let (met, said) = (claims::of(&write.before), claims::of(&write.said));
        let oldest = if at - disturbed > OLDEST { at - OLDEST } else { f64::NEG_INFINITY };
        for claim in said.iter().filter(|claim| !met_first.has(&claim.what)) {
            if !was_said(claim, text(&write.said, "region"), (oldest, at), aws) {
                lie(write, claim, "has not said", trace);
            }
        }
        if let Some(before) = undisturbed {
            check_absence(write, before, aws, trace);
            check_order(write, before, (&met, &said), aws, trace);
        }
    }

    /// When something else than the operator has last changed the status.
    fn disturbed(&self, uid: &str) -> Option<f64> {
        self.disturbed.get(uid).copied().into_iter().chain(self.set_back).reduce(f64::max)
    }

    /// Looks at an object at any time. It must not show what AWS has not had for too long, if the operator could have said so
    /// since `undisturbed`.
    pub fn check_age(&self, object: &Value, undisturbed: f64, aws: &Aws, trace: &Trace) {
        let (now, status) = (time::elapsed(), &object["status"]);
        let disturbed = self.disturbed(text(&object["metadata"], "uid")).unwrap_or_default();
        let is_judged = now - undisturbed.max(disturbed) > OLDEST && object["spec"]["suspend"] != true;
        if !is_judged || status["conditions"].is_null() || is_unanswered(status) {
            return;
        }
        for claim in claims::of(status) {
            let is_young = was_said(&claim, text(status, "region"), (now - OLDEST, now), aws);
            let Claim { what, is_so, .. } = claim;
            // EC2 may have said it without having it.
            if !is_young && !aws.had_since(now - OLDEST, is_so) {
                let name = text(&object["metadata"], "name");
                trace.fail(
                    "truth",
                    format_args!("{name} still says {what}, which has not been so for {OLDEST} s: {status}"),
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

/// While an object is suspended, nothing changes that AWS has said.
fn check_rest(write: &StatusWrite, trace: &Trace) {
    let is_at_rest = is_suspended(&write.before) && is_suspended(&write.said);
    if is_at_rest && claims::words(&write.before) != claims::words(&write.said) {
        let (namespace, name) = (&write.namespace, &write.name);
        trace.fail("truth", format_args!("{namespace}/{name} is suspended, and changes: {}", write.said));
    }
}

fn lie(write: &StatusWrite, claim: &Claim<'_>, how: &str, trace: &Trace) {
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

/// No false absence: an AMI that the status has shown, and that AWS has had all the time since, is gone only if the same process
/// has missed it twice, with [`CONFIRMED`] between, and has not seen it meanwhile. EC2 forgets for some seconds, and an answer
/// may be some seconds old.
fn check_absence(write: &StatusWrite, before: f64, aws: &Aws, trace: &Trace) {
    let (region, id) = (text(&write.said, "region"), text(&write.said, "imageId"));
    let place = (region.to_owned(), id.to_owned());
    let Some(ami) = claims::shown_ami(&write.before) else { return };
    let is_there = |facts: &Facts| facts.amis.get(&place).is_some_and(|amis| amis.iter().any(|(id, _)| *id == ami.0));
    if claims::shown_ami(&write.said).is_some() || !aws.always_had_since(before, is_there) {
        return;
    }
    let is_confirmed = aws.calls(|calls| {
        let is_read = |call: &&Call| {
            let is_own = Some(call.caller) == process(&write.client) && call.heard <= time::at(write.at);
            let is_list = call.operation == "DescribeImages" && call.is_last_page;
            is_own && is_list && call.region == region && call.is_about(id)
        };
        let answers = calls.iter().rev().filter(is_read).filter_map(|call| Some((call, call.facts.as_deref()?)));
        let missed: Vec<&Call> = answers.take_while(|(_, facts)| !is_there(facts)).map(|(call, _)| call).collect();
        missed.first().zip(missed.last()).is_some_and(|(last, first)| last.sent >= first.heard + CONFIRMED)
    });
    if !is_confirmed {
        let (namespace, name) = (&write.namespace, &write.name);
        trace.fail("truth", format_args!("{namespace}/{name} says that {ami:?} is gone: {}", write.said));
    }
}

/// No way back: what a status says anew, AWS has said after what the status said before.
fn check_order(write: &StatusWrite, before: f64, (met, said): (&[Claim<'_>], &[Claim<'_>]), aws: &Aws, trace: &Trace) {
    let region = text(&write.said, "region");
    for old in met {
        let is_new = |claim: &Claim<'_>| claim.operation == old.operation && claim.what != old.what;
        for claim in said.iter().filter(|claim| is_new(claim)) {
            let is_in_order = aws.calls(|calls| {
                let mut met = calls.iter().rev().filter(|call| call.heard <= before);
                let until = met.find(|call| old.is_said_by(call, region));
                let from = until.map_or(f64::NEG_INFINITY, |call| call.at);
                calls.iter().rev().take_while(|call| call.at >= from).any(|call| claim.is_said_by(call, region))
            });
            if !is_in_order {
                lie(write, claim, &format!("has not said since it said {}", old.what), trace);
            }
        }
    }
}
