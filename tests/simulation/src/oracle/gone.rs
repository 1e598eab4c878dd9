//! No false absence, and no way back to what AWS said before.

use super::claims::{self, Claim, text};
use super::truth::lie;
use super::{CONFIRMED, process};
use crate::api_server::StatusWrite;
use crate::aws::{Aws, Call, Facts};
use crate::time;
use crate::trace::Trace;

/// No false absence: an AMI that the status has shown, and that AWS has had all the time since, is gone only if the same process
/// has missed it twice, with [`CONFIRMED`] between, and has not seen it meanwhile. EC2 forgets for some seconds, and an answer
/// may be some seconds old.
pub fn check_absence(write: &StatusWrite, before: f64, aws: &Aws, trace: &Trace) {
    let (region, id) = (text(&write.said, "region"), text(&write.said, "imageId"));
    let place = (region.to_owned(), id.to_owned());
    let Some(ami) = claims::shown_ami(&write.before) else { return };
    let is_there = |facts: &Facts| facts.amis.get(&place).is_some_and(|amis| amis.iter().any(|(id, _)| *id == ami.0));
    if claims::shown_ami(&write.said).is_some() || !aws.always_had_since(before, is_there) {
        return;
    }
    let is_confirmed = aws.calls(|calls| {
        let is_read = |call: &&Call| call.is_last_page && is_heard(call, write);
        let answers = calls.iter().rev().filter(is_read).filter_map(|call| Some((call, call.facts.as_deref()?)));
        let missed: Vec<&Call> = answers.take_while(|(_, facts)| !is_there(facts)).map(|(call, _)| call).collect();
        missed.first().zip(missed.last()).is_some_and(|(last, first)| last.sent >= first.heard + CONFIRMED)
    });
    if !is_confirmed {
        let (namespace, name) = (&write.namespace, &write.name);
        trace.fail("truth", format_args!("{namespace}/{name} says that {ami:?} is gone: {}", write.said));
    }
}

/// Whether it is an answer of EC2 about the image, and the process that writes has it.
pub fn is_heard(call: &Call, write: &StatusWrite) -> bool {
    let (region, id) = (text(&write.said, "region"), text(&write.said, "imageId"));
    let is_own = Some(call.caller) == process(&write.client) && call.heard <= time::at(write.at);
    is_own && call.is_answer_about("DescribeImages", region, id)
}

/// No way back: what a status says anew, AWS has said after what the status said before.
pub fn check_order(
    write: &StatusWrite,
    before: f64,
    (met, said): (&[Claim<'_>], &[Claim<'_>]),
    aws: &Aws,
    trace: &Trace,
) {
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
