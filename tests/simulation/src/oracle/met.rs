//! What a process found in a status that others had changed. If it has Ready and Synced, as each status of the operator, the
//! process cannot tell whose words these are, until AWS has answered it twice.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{CONFIRMED, claims, condition, process};
use crate::api_server::StatusWrite;
use crate::aws::{Aws, Call};
use crate::time;

/// A write that is under way for so long does not know of the second answer.
const UNDER_WAY: f64 = 330.0;

/// What stood in a status that others had changed, when a process wrote it for the first time.
#[derive(Debug, Default)]
pub struct Met {
    claims: BTreeSet<String>,
    ready: Option<Value>,
}

impl Met {
    fn of(status: &Value) -> Self {
        let (ready, synced) = (condition(status, "Ready"), condition(status, "Synced"));
        let looks_ours = ready.is_some() && synced.is_some();
        if looks_ours { Self { claims: claims::words(status), ready: ready.cloned() } } else { Self::default() }
    }

    /// Whether there was nothing like it.
    pub fn is_nothing(&self) -> bool {
        self.ready.is_none()
    }

    pub fn has(&self, claim: &str) -> bool {
        self.claims.contains(claim)
    }

    /// Whether Ready, or the image, stack or build that it is about, is as it was met.
    pub fn has_ready_of(&self, status: &Value) -> bool {
        let has_ready = self.ready.is_some() && self.ready.as_ref() == condition(status, "Ready");
        has_ready || claims::of(status).iter().any(|claim| !claim.is_absence && self.has(&claim.what))
    }
}

/// What the process that wrote an object last met in it.
#[derive(Debug)]
struct Meeting {
    client: String,
    met: Met,
    /// Since when AWS was asked for the object.
    since: f64,
}

/// What was met in each object, by uid.
#[derive(Debug, Default)]
pub struct Meetings(BTreeMap<String, Meeting>);

impl Meetings {
    /// A process writes a status. `has_changed`: others have changed it since the operator's last write. `is_at_rest`: AWS was not
    /// asked before.
    pub fn meet(&mut self, write: &StatusWrite, has_changed: bool, is_at_rest: bool, aws: &Aws) {
        let (at, before) = (time::at(write.at), self.0.get(&write.uid));
        let is_known = before.is_some_and(|before| before.client == write.client);
        if !is_known {
            let may_be_theirs = has_changed || before.is_some_and(|before| !before.met.is_nothing());
            let met = if may_be_theirs { Met::of(&write.before) } else { Met::default() };
            self.0.insert(write.uid.clone(), Meeting { client: write.client.clone(), met, since: at });
        }
        let Some(meeting) = self.0.get_mut(&write.uid) else { return };
        if is_at_rest {
            meeting.since = at;
        } else if !meeting.met.is_nothing() && has_heard_twice(write, meeting.since, aws) {
            meeting.met = Met::default();
        }
    }

    /// What the process of this write met at first.
    pub fn of(&self, write: &StatusWrite) -> &Met {
        &self.0[&write.uid].met
    }
}

/// Whether EC2 has told the process twice of the image, so that the write knows of it.
fn has_heard_twice(write: &StatusWrite, since: f64, aws: &Aws) -> bool {
    let (region, id) = (claims::text(&write.said, "region"), claims::text(&write.said, "imageId"));
    let is_answer = |call: &&Call| {
        let is_own = Some(call.caller) == process(&write.client) && call.is_last_page;
        let is_in_time = call.sent >= since && call.heard + UNDER_WAY <= time::at(write.at);
        is_own && is_in_time && call.is_answer_about("DescribeImages", region, id)
    };
    aws.calls(|calls| {
        let mut answers = calls.iter().filter(is_answer);
        answers.next().is_some_and(|first| answers.any(|later| later.sent >= first.heard + CONFIRMED))
    })
}
