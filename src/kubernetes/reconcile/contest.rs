//! `Contest`: whether another writer undoes our status writes: a second release of the operator, a webhook, a person. Two
//! writers that correct each other would write for ever. So after a few undone writes the object rests, longer each time.

use crate::backoff::doubled;
use crate::kubernetes::custom_image::CustomImageStatus;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// So many undone writes within `WITHIN` begin a rest.
const MOST_UNDONE: usize = 3;
const WITHIN: SignedDuration = SignedDuration::from_mins(1);

/// The first and the longest rest. The status follows AWS at that pace.
const FIRST_REST: Duration = Duration::from_secs(30);
const LONGEST_REST: Duration = Duration::from_secs(600);

type Digested = [u8; 32];

/// What is known of other writers of one object's status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contest {
    /// Our last write.
    written: Option<Digested>,
    /// When the last writes were undone.
    undone: Vec<Timestamp>,
    /// The rests in a row.
    rests: u32,
    until: Option<Timestamp>,
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
    /// Our status is in the API server now.
    pub fn wrote(&mut self, status: &CustomImageStatus) {
        self.written = digest(status);
    }

    /// Whether to write now, while the API server has `stored`.
    pub fn turn(&mut self, stored: &CustomImageStatus, now: Timestamp) -> WriteOrRest {
        let left = |until: Timestamp| Duration::try_from(until.duration_since(now)).unwrap_or_default();
        // A clock that was set back must not make a rest longer.
        if let Some(until) = self.until.filter(|until| *until > now && left(*until) <= LONGEST_REST) {
            return WriteOrRest::Rest { left: left(until), is_news: false };
        }
        self.calm_down(now);
        // Each undone write counts once: what another writer made of it is no write of ours.
        let is_undone = self.written.is_some() && self.written != digest(stored);
        if !is_undone {
            return WriteOrRest::Write;
        }
        self.written = None;
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
            let written = self.written;
            *self = Self { written, ..Self::default() };
        }
    }
}

fn digest(status: &CustomImageStatus) -> Option<Digested> {
    serde_json::to_vec(status).ok().map(|json| Sha256::digest(json).into())
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

    /// Writes our status at `second`, if it may, and another writer undoes it.
    fn fight(contest: &mut Contest, second: i64) -> WriteOrRest {
        let turn = contest.turn(&status("theirs"), at(second));
        if turn == WriteOrRest::Write {
            contest.wrote(&status("ours"));
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
            contest.wrote(&status(&format!("{second}")));
        }
    }

    #[test]
    fn a_contest_is_forgotten_when_our_write_has_stood() {
        let mut contest = Contest::default();
        let _: Vec<_> = (0..10).map(|second| fight(&mut contest, second)).collect();
        assert_eq!(contest.turn(&status("theirs"), at(100)), WriteOrRest::Write);
        contest.wrote(&status("ours"));
        assert_eq!(contest.turn(&status("ours"), at(2000)), WriteOrRest::Write);
        assert_eq!(contest.rests, 0);
    }
}
