//! Orders: an object that a user has suspended says so, and so does one that the configuration does not let read AWS. No other
//! object does.

use std::collections::BTreeMap;

use serde_json::Value;

use super::claims::text;
use super::{condition, reason};
use crate::plan::NAMESPACES;
use crate::time;
use crate::trace::Trace;

/// An order is followed within this time, in seconds: one comparison with the API server, and the longest backoff of a write.
const FOLLOWED: f64 = 2.0 * 660.0 + 60.0;

/// The orders that are in force.
#[derive(Debug)]
pub struct Orders {
    /// The namespaces that may read AWS, and since when.
    allowed: (f64, Vec<&'static str>),
    /// Whether each object is suspended, by uid, and since when.
    suspended: BTreeMap<String, (bool, f64)>,
}

impl Default for Orders {
    fn default() -> Self {
        Self { allowed: (0.0, NAMESPACES.to_vec()), suspended: BTreeMap::new() }
    }
}

impl Orders {
    /// Only these namespaces may read AWS from now on.
    pub fn allow(&mut self, namespaces: Vec<&'static str>) {
        self.allowed = (time::elapsed(), namespaces);
    }

    /// Looks at an object. The operator could follow orders since `undisturbed`.
    pub fn check(&mut self, object: &Value, undisturbed: f64, trace: &Trace) {
        let (now, metadata, status) = (time::elapsed(), &object["metadata"], &object["status"]);
        let is_suspended = object["spec"]["suspend"] == true;
        let state = self.suspended.entry(text(metadata, "uid").to_owned()).or_insert((is_suspended, now));
        if state.0 != is_suspended {
            *state = (is_suspended, now);
        }
        let is_allowed = self.allowed.1.contains(&text(metadata, "namespace"));
        let (since, expected) = match () {
            () if is_suspended => (state.1, Some("Suspended")),
            () if is_allowed => (state.1.max(self.allowed.0), None),
            () => (state.1.max(self.allowed.0), Some("IdentityNotAllowed")),
        };
        if now - since.max(undisturbed) <= FOLLOWED {
            return;
        }
        let synced = condition(status, "Synced").map(|synced| text(synced, "reason")).unwrap_or_default();
        let said = ["Suspended", "IdentityNotAllowed"].into_iter().find(|order| *order == synced);
        let is_ready_right = is_suspended || expected.is_none_or(|expected| reason(status) == expected);
        if said != expected || !is_ready_right {
            let name = text(metadata, "name");
            trace.fail("orders", format_args!("{name} says the order {said:?}, not {expected:?}: {status}"));
        }
    }
}
