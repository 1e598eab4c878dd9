//! Rest: where nothing changes, nothing is written. And what nobody has any more, nobody keeps.

use customimage_operator::kubernetes::Kept;

use crate::trace::Trace;

/// Quiet: so many statuses were written while nothing changed.
pub fn check_quiet(writes: usize, trace: &Trace) {
    if writes > 0 {
        trace.fail("quiet", format_args!("{writes} writes, where nothing changes"));
    }
}

/// Nothing left: what a replica keeps after the last object was deleted.
pub fn check_forgotten(replica: usize, kept: Kept, trace: &Trace) {
    if kept != Kept::default() {
        trace.fail("nothing left", format_args!("replica {replica} keeps {kept:?}"));
    }
}
