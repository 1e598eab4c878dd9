//! `Unwritten`: a status that could not be written. It is told once, and shows in a metric until it is written.

use crate::kubernetes::status::transition::Note;
use jiff::Timestamp;

/// The failed writes of one object in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwritten {
    pub since: Timestamp,
    pub failures: u32,
    /// The causes that were told. An overloaded API server fails in a different way each time.
    told: Vec<&'static str>,
}

impl Unwritten {
    /// Counts a failure. Returns the count, and whether its cause is new.
    #[must_use]
    pub fn failed(this: &mut Option<Self>, cause: &'static str, now: Timestamp) -> (u32, bool) {
        let this = this.get_or_insert(Self { since: now, failures: 0, told: Vec::new() });
        this.failures = this.failures.saturating_add(1);
        let is_news = !this.told.contains(&cause);
        this.told.extend(is_news.then_some(cause));
        (this.failures, is_news)
    }
}

/// The Event of a status that could not be written.
#[must_use]
pub fn note(words: &str) -> Note {
    let text = format!("the status could not be written, so this object shows an older one: {words}");
    Note { is_warning: true, reason: "StatusNotWritten".to_owned(), text }
}
