//! One writer: a process that has lost the Lease never writes over what a later leader has written.

use std::collections::BTreeMap;

use super::process;
use crate::api_server::{LeaseWrite, StatusWrite};
use crate::trace::Trace;

/// Who has led, in order, and whose write each object has.
#[derive(Debug, Default)]
pub struct Writers {
    /// The number of times that the Lease went to another holder.
    terms: u64,
    holder: String,
    /// The process that leads.
    leader: Option<String>,
    /// The last term of each process.
    term_of: BTreeMap<String, u64>,
    /// The term of the last write to each object, by uid.
    written: BTreeMap<String, (u64, String)>,
}

impl Writers {
    /// The Lease was written. `holder` names the client.
    pub fn lease(&mut self, write: &LeaseWrite, trace: &Trace) {
        if write.holder_before != write.holder_after {
            trace.note(&write.client, format_args!("Lease: {:?} → {:?}", write.holder_before, write.holder_after));
        }
        if write.holder_after != self.holder {
            self.holder.clone_from(&write.holder_after);
            self.terms += 1;
            self.term_of.insert(write.client.clone(), self.terms);
            self.leader = (!self.holder.is_empty()).then(|| write.client.clone());
        }
    }

    /// The process that has the Lease, by the name of its client.
    pub fn leader(&self) -> Option<&str> {
        self.leader.as_deref()
    }

    pub fn status(&mut self, write: &StatusWrite, trace: &Trace) {
        if process(&write.client).is_none() || !write.has_changed {
            return;
        }
        let Some(term) = self.term_of.get(&write.client).copied() else {
            trace.fail("one writer", format_args!("{} writes {} and has never led", write.client, write.name));
            return;
        };
        if let Some((later, by)) = self.written.get(&write.uid).filter(|(later, _)| *later > term) {
            trace.fail(
                "one writer",
                format_args!(
                    "{} of term {term} writes over {}, which {by} wrote in term {later}",
                    write.client, write.name
                ),
            );
        }
        self.written.insert(write.uid.clone(), (term, write.client.clone()));
    }
}
