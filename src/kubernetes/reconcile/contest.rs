//! `Contest`: whether another writer undoes our status writes: a second release of the operator, a webhook, a person. Two
//! writers that correct each other would write for ever. So after a few undone writes the object rests, longer each time. What
//! another writer says is no base for the next status: only our own last write is.

use crate::backoff::doubled;
use crate::kubernetes::custom_image::CustomImageStatus;
use crate::kubernetes::status::compose;
use crate::kubernetes::status::transition::Note;
use crate::packed::Packed;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::time::Duration;

/// So many undone writes within `WITHIN` begin a rest.
const MOST_UNDONE: usize = 3;
const WITHIN: SignedDuration = SignedDuration::from_mins(1);

/// So many writes without an answer are remembered: those that fit into the time for which a request may be under way.
const MOST_TRIED: usize = 8;

/// The first and the longest rest. The status follows AWS at that pace.
const FIRST_REST: Duration = Duration::from_secs(30);
const LONGEST_REST: Duration = Duration::from_secs(600);

/// What is known of other writers of one object's status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contest {
    /// Our last write. The store has the same one, so it takes no memory. `None` before the first: then nobody can tell whose
    /// status the API server has.
    written: Option<Packed<CustomImageStatus>>,
    /// The write whose answer we wait for, or never got.
    trying: Option<Unanswered>,
    /// The writes before it whose answers we never got. Each may have been done, or may still be done.
    tried: Vec<Unanswered>,
    /// Whether the API server still had our last write when the object was met. Then nothing need be unpacked.
    is_there: bool,
    /// Whether what another writer made of it has been counted.
    is_counted: bool,
    /// When the last writes were undone.
    undone: Vec<Timestamp>,
    /// The rests in a row.
    rests: u32,
    until: Option<Timestamp>,
}

/// A write whose answer we do not know.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unanswered {
    status: Packed<CustomImageStatus>,
    /// Its Events, until it is known to be done.
    notes: Vec<Note>,
}

impl Unanswered {
    /// Whether `stored` has all that it would write. It may have the fields of another writer, too.
    fn is_in(&self, stored: &CustomImageStatus) -> bool {
        unpacked(&self.status).is_some_and(|status| has_all_of(stored, &status))
    }
}

/// What to do with a status that must be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteOrRest {
    Write,
    /// Write nothing for this time.
    Rest {
        left: Duration,
        /// Whether this rest is the first of a row, which is told.
        is_news: bool,
    },
}

impl Contest {
    /// A reconcile meets the object with this status.
    pub fn meets(&mut self, stored: Option<&Packed<CustomImageStatus>>) {
        self.is_there = stored.is_some() && self.written.as_ref() == stored;
    }

    /// A write of this status, with these Events, begins. It may be done without an answer.
    pub fn tries(&mut self, status: &CustomImageStatus, notes: Vec<Note>) {
        if let Some(unanswered) = self.trying.replace(Unanswered { status: Packed::new(status), notes }) {
            self.tried.retain(|tried| tried.status != unanswered.status);
            if self.tried.len() == MOST_TRIED {
                self.tried.remove(0);
            }
            self.tried.push(unanswered);
        }
    }

    /// The last write that was tried is in the API server now. Returns its Events.
    pub fn wrote(&mut self) -> Vec<Note> {
        let (written, notes) = self.trying.take().map(|done| (done.status, done.notes)).unzip();
        self.tried.clear();
        self.settle(written);
        notes.unwrap_or_default()
    }

    /// The Events of a write without an answer that is done: the API server has `stored`. Each is told once, and those of the
    /// last such write tell of all.
    pub fn untold(&mut self, stored: &CustomImageStatus) -> Vec<Note> {
        let unanswered = self.trying.iter_mut().chain(self.tried.iter_mut().rev());
        let done = unanswered.filter(|write| !write.notes.is_empty() && write.is_in(stored));
        let told: Vec<_> = done.map(|write| std::mem::take(&mut write.notes)).collect();
        told.into_iter().next().unwrap_or_default()
    }

    /// The last write that was tried is certainly not done, and never will be.
    pub fn was_refused(&mut self) {
        self.trying = None;
    }

    /// The API server already has the next status. It is ours if AWS says it, or if we have tried to write. Else we only
    /// repeat what we met, which may be older than what the leader before us has written.
    pub fn stands(&mut self, stored: Option<&Packed<CustomImageStatus>>, is_answered: bool) {
        if is_answered || self.written.is_some() || self.unanswered().next().is_some() {
            // What was tried may be under way, and be done later.
            self.settle(stored.cloned());
        }
    }

    fn settle(&mut self, written: Option<Packed<CustomImageStatus>>) {
        (self.written, self.is_counted, self.is_there) = (written, false, false);
    }

    /// The watch has delivered an object with this status. If it is our last write, both share their memory.
    pub fn arrived(&mut self, status: &Packed<CustomImageStatus>) {
        let is_ours = self.written.as_ref() == Some(status) || {
            let arrived = unpacked(status);
            arrived.is_some() && self.written() == arrived
        };
        if is_ours {
            self.written = Some(status.clone());
        }
    }

    /// Our last write, if the API server has `stored`. `None` if this process knows of none. A write without an answer may
    /// be done, and may have left the fields of another writer: an apply does not remove them.
    #[must_use]
    pub fn ours(&self, stored: &CustomImageStatus) -> Option<CustomImageStatus> {
        if self.is_there {
            return Some(stored.clone());
        }
        let mut tried = self.unanswered().filter_map(|write| unpacked(&write.status));
        tried.find(|tried| has_all_of(stored, tried)).or_else(|| self.written())
    }

    /// Whether another writer has changed our last write: the API server has another status now.
    fn is_overwritten(&self, stored: &CustomImageStatus) -> bool {
        !self.is_there && self.ours(stored).is_some_and(|ours| ours != *stored)
    }

    /// The last one first.
    fn unanswered(&self) -> impl Iterator<Item = &Unanswered> {
        self.trying.iter().chain(self.tried.iter().rev())
    }

    fn written(&self) -> Option<CustomImageStatus> {
        unpacked(self.written.as_ref()?)
    }

    /// Whether to write now, while the API server has `stored`.
    pub fn turn(&mut self, stored: &CustomImageStatus, now: Timestamp) -> WriteOrRest {
        let left = |until: Timestamp| Duration::try_from(until.duration_since(now)).unwrap_or_default();
        // A clock that was set back must not make a rest longer.
        if let Some(until) = self.until.filter(|until| *until > now && left(*until) <= LONGEST_REST) {
            return WriteOrRest::Rest { left: left(until), is_news: false };
        }
        self.calm_down(now);
        // Each undone write counts once.
        if self.is_counted || !self.is_overwritten(stored) {
            return WriteOrRest::Write;
        }
        self.is_counted = true;
        self.undone.push(now);
        self.undone.retain(|at| now.duration_since(*at) < WITHIN);
        if self.undone.len() < MOST_UNDONE && self.rests == 0 {
            return WriteOrRest::Write;
        }
        self.rests = self.rests.saturating_add(1);
        let rest = doubled(FIRST_REST, LONGEST_REST, self.rests);
        self.until = SignedDuration::try_from(rest).ok().and_then(|rest| now.checked_add(rest).ok());
        WriteOrRest::Rest { left: rest, is_news: self.rests == 1 }
    }

    /// Forgets the contest when our last write has stood for longer than the longest rest.
    fn calm_down(&mut self, now: Timestamp) {
        let longest = SignedDuration::try_from(LONGEST_REST).unwrap_or(SignedDuration::MAX);
        if self.until.is_some_and(|until| now.duration_since(until) > longest) {
            (self.undone, self.rests, self.until) = (Vec::new(), 0, None);
        }
    }
}

/// Whether `stored` has all fields of `ours`, and perhaps more.
fn has_all_of(stored: &CustomImageStatus, ours: &CustomImageStatus) -> bool {
    let json = |status| serde_json::to_value(status).unwrap_or_default();
    stored == ours || contains(&json(stored), &json(ours))
}

fn contains(stored: &Value, ours: &Value) -> bool {
    match (stored, ours) {
        (Value::Object(stored), Value::Object(ours)) => {
            ours.iter().all(|(name, ours)| stored.get(name).is_some_and(|stored| contains(stored, ours)))
        }
        (Value::Array(stored), Value::Array(ours)) => {
            ours.iter().all(|ours| stored.iter().any(|stored| contains(stored, ours)))
        }
        (stored, ours) => stored == ours,
    }
}

/// The status with sorted conditions, as all others are that it is compared with.
fn unpacked(status: &Packed<CustomImageStatus>) -> Option<CustomImageStatus> {
    let mut status = status.unpack().ok()?;
    compose::sort(&mut status);
    Some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(version: &str) -> CustomImageStatus {
        CustomImageStatus { image_id: Some(version.to_owned()), ..CustomImageStatus::default() }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Our last write, if the API server has another status.
    fn overwritten(contest: &Contest, stored: &CustomImageStatus) -> Option<CustomImageStatus> {
        contest.ours(stored).filter(|ours| ours != stored)
    }

    fn tries(contest: &mut Contest, ours: &str) {
        let note = Note { is_warning: false, reason: "Changed".to_owned(), text: ours.to_owned() };
        contest.tries(&status(ours), vec![note]);
    }

    fn write(contest: &mut Contest, ours: &str) {
        tries(contest, ours);
        contest.wrote();
    }

    /// Writes our status at `second`, if it may, and another writer undoes it.
    fn fight(contest: &mut Contest, second: i64) -> WriteOrRest {
        let turn = contest.turn(&status("theirs"), at(second));
        if turn == WriteOrRest::Write {
            write(contest, "ours");
        }
        turn
    }

    #[test]
    fn after_three_undone_writes_in_a_minute_the_object_rests_longer_each_time() {
        let mut contest = Contest::default();
        let turns: Vec<_> = (0..5).map(|second| fight(&mut contest, second)).collect();
        assert_eq!(turns[..3], [WriteOrRest::Write; 3]);
        assert_eq!(turns[3], WriteOrRest::Rest { left: FIRST_REST, is_news: true });
        assert_eq!(turns[4], WriteOrRest::Rest { left: FIRST_REST - Duration::from_secs(1), is_news: false });
        let writes = (5..7200).filter(|second| fight(&mut contest, *second) == WriteOrRest::Write).count();
        assert!((8..=20).contains(&writes), "in two hours: {writes}");
    }

    #[test]
    fn a_person_who_edits_a_status_now_and_then_is_corrected_at_once() {
        let mut contest = Contest::default();
        assert!((0..100).all(|time| fight(&mut contest, 40 * time) == WriteOrRest::Write));
    }

    #[test]
    fn our_own_changes_are_no_contest() {
        let mut contest = Contest::default();
        for second in 0..100 {
            assert_eq!(contest.turn(&status(&format!("{}", second - 1)), at(second)), WriteOrRest::Write);
            write(&mut contest, &second.to_string());
        }
    }

    #[test]
    fn what_another_writer_says_is_no_base_for_the_next_status_and_our_own_last_write_is() {
        let mut contest = Contest::default();
        assert_eq!(overwritten(&contest, &status("theirs")), None, "a new process cannot tell");
        contest.stands(Some(&Packed::new(&status("that of the leader before"))), false);
        contest.arrived(&Packed::new(&status("its last one, which the watch brings late")));
        assert_eq!(overwritten(&contest, &status("its last one, which the watch brings late")), None);
        write(&mut contest, "ours");
        assert_eq!(overwritten(&contest, &status("ours")), None);
        assert_eq!(overwritten(&contest, &status("theirs")), Some(status("ours")));
        tries(&mut contest, "next");
        tries(&mut contest, "one more");
        assert_eq!(overwritten(&contest, &status("next")), None, "the write was done, and its answer was lost");
        assert_eq!(overwritten(&contest, &status("theirs")), Some(status("ours")));
    }

    #[test]
    fn a_write_without_an_answer_that_left_fields_of_another_writer_is_ours_without_them() {
        let mut contest = Contest::default();
        tries(&mut contest, "ours");
        let mixed = CustomImageStatus { region: Some("theirs".to_owned()), ..status("ours") };
        assert_eq!(overwritten(&contest, &mixed), Some(status("ours")));
        write(&mut contest, "before");
        tries(&mut contest, "ours");
        assert_eq!(overwritten(&contest, &mixed), Some(status("ours")), "and not what it was before");
    }

    #[test]
    fn a_write_that_is_done_late_is_ours_although_the_status_before_it_stood_meanwhile() {
        let mut contest = Contest::default();
        write(&mut contest, "before");
        tries(&mut contest, "under way");
        contest.stands(Some(&Packed::new(&status("before"))), false);
        assert_eq!(overwritten(&contest, &status("under way")), None);
        write(&mut contest, "after");
        assert_eq!(overwritten(&contest, &status("under way")), Some(status("after")), "then it can be done no more");
    }

    #[test]
    fn a_write_that_is_done_late_is_ours_although_many_were_refused_meanwhile() {
        let mut contest = Contest::default();
        write(&mut contest, "before");
        tries(&mut contest, "under way");
        for other in 0..2 * MOST_TRIED {
            tries(&mut contest, &other.to_string());
            contest.was_refused();
        }
        assert_eq!(overwritten(&contest, &status("under way")), None);
        assert_eq!(overwritten(&contest, &status("0")), Some(status("before")), "the API server refused it");
    }

    #[test]
    fn the_events_of_a_write_without_an_answer_are_told_once_when_it_is_met() {
        let mut contest = Contest::default();
        write(&mut contest, "before");
        tries(&mut contest, "done");
        tries(&mut contest, "outdated");
        contest.was_refused();
        tries(&mut contest, "never done");
        let told = |contest: &mut Contest, stored| {
            contest.untold(&status(stored)).into_iter().map(|note| note.text).collect::<Vec<_>>()
        };
        for (stored, expected) in [("before", &[][..]), ("outdated", &[]), ("done", &["done"]), ("done", &[])] {
            assert_eq!(told(&mut contest, stored), expected, "{stored}");
        }
        assert_eq!(contest.wrote().len(), 1, "of a write with an answer");
        assert_eq!(told(&mut contest, "never done"), [""; 0]);
        tries(&mut contest, "twice");
        tries(&mut contest, "twice");
        assert_eq!(told(&mut contest, "twice"), ["twice"]);
        assert_eq!(told(&mut contest, "twice"), [""; 0]);
    }

    #[test]
    fn our_write_and_what_the_watch_brings_of_it_share_their_memory() {
        let mut contest = Contest::default();
        write(&mut contest, "ours");
        let stored = Packed::new(&status("ours"));
        contest.arrived(&Packed::new(&status("theirs")));
        assert!(!contest.written.as_ref().is_some_and(|written| written.shares_memory(&stored)));
        contest.arrived(&stored);
        assert!(contest.written.as_ref().is_some_and(|written| written.shares_memory(&stored)));
    }

    #[test]
    fn a_contest_is_forgotten_when_our_write_has_stood() {
        let mut contest = Contest::default();
        let _: Vec<_> = (0..10).map(|second| fight(&mut contest, second)).collect();
        assert_eq!(contest.turn(&status("theirs"), at(100)), WriteOrRest::Write);
        write(&mut contest, "ours");
        assert_eq!(contest.turn(&status("ours"), at(2000)), WriteOrRest::Write);
        assert_eq!(contest.rests, 0);
    }
}
