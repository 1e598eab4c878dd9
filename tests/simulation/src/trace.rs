//! What happened, for people who read the story of a failing seed.

use std::collections::VecDeque;
use std::fmt::{Display, Write};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::time;

/// The lines that are kept.
const KEPT: usize = 100_000;

/// A log of who did what when. All clones share it.
#[derive(Clone, Debug, Default)]
pub struct Trace(Arc<Mutex<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    kept: VecDeque<String>,
    /// The digest of all lines. The same seed has the same one.
    digest: u64,
    failure: Option<String>,
}

impl Trace {
    pub fn note(&self, who: impl Display, what: impl Display) {
        let line = format!("{} {who}: {what}", clock_face(time::elapsed()));
        let mut lines = self.0.lock();
        // FNV-1a, because the standard hasher promises nothing.
        for byte in line.bytes() {
            lines.digest = (lines.digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if lines.kept.len() == KEPT {
            lines.kept.pop_front();
        }
        lines.kept.push_back(line);
    }

    /// An oracle has found something wrong. The first time counts.
    pub fn fail(&self, oracle: &str, what: impl Display) {
        self.note(format!("ORACLE {oracle}"), &what);
        self.0.lock().failure.get_or_insert_with(|| format!("{oracle}: {what}"));
    }

    pub fn failure(&self) -> Option<String> {
        self.0.lock().failure.clone()
    }

    pub fn digest(&self) -> u64 {
        self.0.lock().digest
    }

    /// The last lines, the oldest first.
    pub fn story(&self, lines: usize) -> String {
        let all = self.0.lock();
        let from = all.kept.len().saturating_sub(lines);
        all.kept.iter().skip(from).fold(String::new(), |mut story, line| {
            let _ = writeln!(story, "{line}");
            story
        })
    }
}

/// `1:02:03.456`.
fn clock_face(elapsed: f64) -> String {
    let seconds = elapsed as u64;
    format!("{}:{:02}:{:06.3}", seconds / 3600, seconds / 60 % 60, elapsed - (seconds / 60 * 60) as f64)
}
