//! `Unwritten`: a status that could not be written. It is told once, and shows in a metric until it is written.

use crate::kubernetes::status::transition::Note;
use jiff::Timestamp;

/// The failed writes of one object in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwritten {
    pub since: Timestamp,
    pub failures: u32,
    /// The words of the last failure.
    words: String,
}

impl Unwritten {
    /// Counts a failure. Returns the count, and whether its words are new.
    #[must_use]
    pub fn failed(this: &mut Option<Self>, words: String, now: Timestamp) -> (u32, bool) {
        let is_news = this.as_ref().is_none_or(|before| before.words != words);
        let before = this.take();
        let failures = before.as_ref().map_or(0, |before| before.failures).saturating_add(1);
        let since = before.map_or(now, |before| before.since);
        *this = Some(Self { since, failures, words });
        (failures, is_news)
    }
}

/// The Event of a status that could not be written.
#[must_use]
pub fn note(words: &str) -> Note {
    let text = format!("the status could not be written, and is older than it says: {words}");
    Note { is_warning: true, reason: "StatusNotWritten".to_owned(), text }
}
