//! What a process found in a status that others had changed. If it has Ready and Synced, as each status of the operator, the
//! process cannot tell whose words these are.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{claims, condition};
use crate::api_server::StatusWrite;

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

    pub fn has(&self, claim: &str) -> bool {
        self.claims.contains(claim)
    }

    /// Whether Ready, or the image, stack or build that it is about, is as it was met.
    pub fn has_ready_of(&self, status: &Value) -> bool {
        let has_ready = self.ready.is_some() && self.ready.as_ref() == condition(status, "Ready");
        has_ready || claims::of(status).iter().any(|claim| !claim.is_absence && self.has(&claim.what))
    }
}

/// What each process met in each object.
#[derive(Debug, Default)]
pub struct Meetings(BTreeMap<(String, String), Met>);

impl Meetings {
    /// A process writes a status. `is_disturbed`: others have changed it before.
    pub fn meet(&mut self, write: &StatusWrite, is_disturbed: bool) {
        let met = || if is_disturbed { Met::of(&write.before) } else { Met::default() };
        self.0.entry((write.client.clone(), write.uid.clone())).or_insert_with(met);
    }

    /// What the process of this write met at first.
    pub fn of(&self, write: &StatusWrite) -> &Met {
        &self.0[&(write.client.clone(), write.uid.clone())]
    }
}
