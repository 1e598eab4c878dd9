//! Budget: no window of time has more calls of one API in one region than its share of AWS's limit allows: rate × time, the
//! burst, and for each process that has begun to read, what a new process may use at once.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::{Aws, Call};
use crate::trace::Trace;

/// A quarter of AWS's limits, as by default: calls at once, and calls a second.
fn share(operation: &str) -> (f64, f64) {
    if operation == "DescribeImages" { (25.0, 5.0) } else { (2.0, 1.25) }
}

/// What a new process has at the beginning, in parts of the burst. It has at least one call.
const AT_THE_START: f64 = 0.4;

/// Checks all calls so far. The SDK's own retries are not counted here: they cannot wait, and later calls pay for them.
pub fn check(aws: &Aws, trace: &Trace) {
    aws.calls(|calls| {
        let mut by_api: BTreeMap<(&str, &str), Vec<&Call>> = BTreeMap::new();
        for call in calls.iter().filter(|call| !call.is_retry) {
            by_api.entry((&call.region, &call.operation)).or_default().push(call);
        }
        for ((region, operation), mut calls) in by_api {
            // The network may deliver them later, and together.
            calls.sort_by(|one, other| one.sent.total_cmp(&other.sent));
            if let Some(excess) = excess(operation, &calls) {
                trace.fail("budget", format_args!("{operation} in {region}: {excess}"));
            }
        }
    });
}

/// A bucket that leaks at the rate must never hold more than the burst. What a new process has at the beginning leaks at once.
fn excess(operation: &str, calls: &[&Call]) -> Option<String> {
    let (burst, rate) = share(operation);
    let (mut level, mut last) = (0.0_f64, 0.0_f64);
    let mut callers = BTreeSet::new();
    for call in calls {
        let begins = if callers.insert(call.caller) { (burst * AT_THE_START).max(1.0) } else { 0.0 };
        level = (level - (call.sent - last) * rate - begins).max(0.0) + 1.0;
        last = call.sent;
        // One more, because ticks of the clock are not calls.
        if level > burst + 1.0 {
            return Some(format!("{level:.1} calls at once at {:.0} s, where {burst:.1} are allowed", call.sent));
        }
    }
    None
}
