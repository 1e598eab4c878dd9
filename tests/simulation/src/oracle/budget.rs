//! Budget: no window of time has more calls of one API in one region than its share of AWS's limit allows: rate × time, the
//! burst, and for each process that has begun to read, what a new process may use at once. One process alone has no more than that
//! at its beginning.

use std::collections::BTreeMap;

use crate::aws::{Attempt, Aws};
use crate::trace::Trace;

/// A quarter of AWS's limits, as by default: calls at once, and calls a second.
fn share(operation: &str) -> (f64, f64) {
    if operation == "DescribeImages" { (25.0, 5.0) } else { (2.0, 1.25) }
}

/// What a new process has at the beginning, in parts of the burst. It has at least one call.
const AT_THE_START: f64 = 0.4;

/// How much more a window may have than the share, because ticks of the clock are not calls.
const TICK: f64 = 1.0;

/// The retries that may be owed at once: the SDK's three of each call that may be under way. They cannot wait, and later calls
/// pay for them.
const OWED: f64 = 3.0 * (32.0 + 16.0 + 16.0);

/// A process: the number of the replica, and of its life.
type Caller = (usize, u32);

/// Checks all calls so far, also those that have never arrived.
pub fn check(aws: &Aws, trace: &Trace) {
    let mut attempts = aws.attempts(<[Attempt]>::to_vec);
    // The network may deliver them later, and together.
    attempts.sort_by(|one, other| one.sent.total_cmp(&other.sent));
    let mut by_api: BTreeMap<(&str, &str), Vec<&Attempt>> = BTreeMap::new();
    let mut begun: BTreeMap<(&str, Caller), f64> = BTreeMap::new();
    for attempt in &attempts {
        by_api.entry((&attempt.region, &attempt.operation)).or_default().push(attempt);
        begun.entry((&attempt.region, attempt.caller)).or_insert(attempt.sent);
    }
    for ((region, operation), all) in by_api {
        let (burst, rate) = share(operation);
        let at_the_start = (burst * AT_THE_START).max(1.0);
        let paid: Vec<&Attempt> = all.iter().copied().filter(|attempt| !attempt.is_retry).collect();
        let share = Bucket { rate, most: burst + TICK, at_the_start };
        let with_debt = Bucket { most: share.most + OWED, at_the_start: at_the_start + OWED, ..share };
        let too_many = share.overflow(&paid).or_else(|| with_debt.overflow(&all)).or_else(|| {
            let here = begun.iter().filter(|((place, _), _)| *place == region);
            here.map(|((_, caller), since)| (*caller, *since))
                .find_map(|(caller, since)| share.overflow_of_one(caller, &paid, since))
        });
        if let Some(too_many) = too_many {
            trace.fail("budget", format_args!("{operation} in {region}: {too_many}"));
        }
    }
}

/// A bucket that leaks at `rate` and must never hold more than `most`.
#[derive(Clone, Copy)]
struct Bucket {
    rate: f64,
    most: f64,
    /// What each new process may add. It leaks at once.
    at_the_start: f64,
}

impl Bucket {
    fn overflow(&self, attempts: &[&Attempt]) -> Option<String> {
        let (mut level, mut last) = (0.0_f64, 0.0_f64);
        let mut callers: Vec<Caller> = Vec::new();
        for Attempt { sent, caller, .. } in attempts {
            let begins = !callers.contains(caller);
            if begins {
                callers.push(*caller);
            }
            let more = if begins { self.at_the_start } else { 0.0 };
            level = self.after(level, sent - last, more);
            last = *sent;
            if level > self.most {
                return Some(self.told(level, *sent));
            }
        }
        None
    }

    /// The same for one process alone. Its bucket was filled `since` then, and had no more than what a new process may use at once.
    fn overflow_of_one(&self, one: Caller, attempts: &[&Attempt], since: f64) -> Option<String> {
        let (mut level, mut last) = (self.most - self.at_the_start - TICK / 10.0, since);
        for Attempt { sent, .. } in attempts.iter().filter(|attempt| attempt.caller == one) {
            level = self.after(level, sent - last, 0.0);
            last = *sent;
            if level > self.most {
                return Some(format!("process {one:?}: {}", self.told(level, *sent)));
            }
        }
        None
    }

    /// The level after one more call.
    fn after(&self, level: f64, passed: f64, more: f64) -> f64 {
        (level - passed * self.rate - more).max(0.0) + 1.0
    }

    fn told(&self, level: f64, at: f64) -> String {
        format!("{level:.1} calls at once at {at:.0} s, where {:.1} are allowed", self.most)
    }
}
