//! Rest: where nothing changes, nothing is written. And what nobody has any more, nobody keeps.

use customimage_operator::kubernetes::Kept;

use crate::trace::Trace;

/// Quiet: so many requests wrote something while nothing changed.
pub fn check_quiet(write_requests: usize, trace: &Trace) {
    if write_requests > 0 {
        trace.fail("quiet", format_args!("{write_requests} requests to write, where nothing changes"));
    }
}

/// Nothing left: what a replica keeps after the last object was deleted.
pub fn check_forgotten(replica: usize, kept: Kept, trace: &Trace) {
    if kept != Kept::default() {
        trace.fail("nothing left", format_args!("replica {replica} keeps {kept:?}"));
    }
}
