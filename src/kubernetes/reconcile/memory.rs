//! What the controller remembers about each object between two reconciles, in addition to its status. If it is lost, a
//! grace period starts again, but no status becomes wrong.

use crate::clock::{Clock, Stamp};
use crate::fit::fit;
use crate::kubernetes::custom_image::{CustomImage, CustomImageStatus, REQUESTED_AT};
use crate::kubernetes::reconcile::contest::Contest;
use crate::kubernetes::reconcile::echo::Echo;
use crate::kubernetes::reconcile::unwritten::Unwritten;
use crate::kubernetes::reconcile::wanted::{self, MOST_REQUEST};
use crate::kubernetes::status::conditions;
use crate::kubernetes::status::moment::Orphan;
use crate::kubernetes::status::transition::Note;
use crate::kubernetes::watch::watched_image::{Reference, WatchedImage};
use crate::packed::Packed;
use jiff::{SignedDuration, Timestamp};
use kube::Resource;
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use tokio::time::Instant;

/// The time between two reads that a user requests of one object. Each is urgent, and goes before the reads of others.
const REQUEST_PAUSE: SignedDuration = SignedDuration::from_secs(10);

/// The memory of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// The uid of the object. A re-created object has another uid and inherits nothing.
    pub uid: String,
    /// Since when the operator refuses what the object wants, and in how many reconciles.
    pub refused: Option<(Timestamp, u32)>,
    /// Why the status could not be written, until it is.
    pub unwritten: Option<Unwritten>,
    /// Since when AWS has given answers that are not in the status yet.
    pub behind: Option<Stamp>,
    /// Whether another writer undoes our writes.
    pub contest: Contest,
    /// The value of the annotation `REQUESTED_AT` that was ignored because it is too long.
    ignored: Option<String>,
    /// The image that the status reports.
    pub missed: Missed,
    /// The transition time of the mark Finalizing, and when this process first met that mark. `None` if the status has none.
    finalizing_seen: Option<(Timestamp, Instant)>,
    /// The last answer about the orphan: the untagged AMI of a finished build.
    pub orphan: Option<AskedOrphan>,
    /// The value of the annotation `REQUESTED_AT` that a user last set, and when the read for it is due.
    pub requested: Option<(String, Timestamp)>,
    pub echo: Echo,
}

/// When an answer first missed something. EC2 is eventually consistent: what a read misses is gone only when a second read, a
/// while later, misses it, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missed(Option<Stamp>);

/// The last answer about an orphan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedOrphan {
    /// The ARN of the image build.
    pub arn: String,
    pub at: Timestamp,
    pub answer: Orphan,
    pub missed: Missed,
    pub again_at: Timestamp,
}

impl Remembered {
    /// When the read that a user requests with this annotation `value` is due: `now`, but at most one such read counts in
    /// [`REQUEST_PAUSE`]. Requests that come meanwhile share the next one.
    pub fn requested_at(&mut self, value: &str, now: Timestamp) -> Timestamp {
        // A clock that was set back must not make the pause longer.
        let latest = now.checked_add(REQUEST_PAUSE).unwrap_or(now);
        let at = match &self.requested {
            Some((last, at)) if last == value || *at > now => (*at).min(latest),
            Some((_, at)) => now.max(at.checked_add(REQUEST_PAUSE).unwrap_or(now)),
            None => now,
        };
        self.requested.insert((value.to_owned(), at)).1
    }

    /// The Event about a request that is ignored because its value is too long. `None` if there is none, or if it was told.
    pub fn ignored_request(&mut self, object: &CustomImage) -> Option<Note> {
        let ignored = wanted::too_long_request(object).map(str::to_owned);
        let is_news = ignored.is_some() && ignored != self.ignored;
        self.ignored = ignored;
        is_news.then(|| Note {
            is_warning: true,
            reason: "RequestIgnored".to_owned(),
            text: format!("the annotation {REQUESTED_AT} has more than {MOST_REQUEST} characters, so nothing is read for it: set a time in it"),
        })
    }

    /// The next status differs from the one in the API server. `is_answered`: AWS says it.
    pub fn differs(&mut self, is_answered: bool, clock: Clock) {
        if is_answered {
            self.behind.get_or_insert_with(|| Stamp::new(clock));
        }
    }

    /// The last write that was tried is done. `is_answered`: AWS says what is in it. Returns its Events.
    pub fn wrote(&mut self, is_answered: bool) -> Vec<Note> {
        self.unwritten = None;
        if is_answered {
            // The status now reports what was missed, so the next miss is a new one.
            (self.missed, self.behind) = (Missed::default(), None);
        }
        self.contest.wrote()
    }

    /// The API server already has the next status. `is_answered`: AWS says it.
    pub fn stands(&mut self, stored: Option<&Packed<CustomImageStatus>>, is_answered: bool) {
        self.unwritten = None;
        self.contest.stands(stored, is_answered);
        self.behind = self.behind.filter(|_| !is_answered);
    }

    /// The process meets `previous`. Returns when it first met this mark Finalizing, by a wall clock that shows `now`. If there is
    /// none, that is `now`.
    pub fn sees_finalizing(&mut self, previous: &CustomImageStatus, now: Timestamp) -> Timestamp {
        let mark = conditions::find(&previous.conditions, conditions::FINALIZING);
        self.finalizing_seen = mark.map(|mark| {
            let marked = mark.last_transition_time.0;
            // The mark of another build is another one.
            let known = self.finalizing_seen.filter(|(of, _)| *of == marked);
            known.unwrap_or_else(|| (marked, Instant::now()))
        });
        let passed = self.finalizing_seen.map(|(_, seen)| seen.elapsed()).unwrap_or_default();
        SignedDuration::try_from(passed).ok().and_then(|passed| now.checked_sub(passed).ok()).unwrap_or(now)
    }

    /// Counts one more refusal. Returns since when the object is refused.
    pub fn refused_again(&mut self, now: Timestamp) -> Timestamp {
        let (since, count) = self.refused.unwrap_or((now, 0));
        self.refused.insert((since, count.saturating_add(1))).0
    }
}

impl Missed {
    /// The second read begins at least this long after the first has answered.
    const CONFIRM_AFTER: SignedDuration = SignedDuration::from_secs(15);

    /// A read that began at `read_at` has missed it. Returns when to read again, or `None` if it is gone.
    pub fn again(&mut self, read_at: Timestamp, clock: Clock) -> Option<Timestamp> {
        self.0.get_or_insert_with(|| Stamp::new(clock));
        self.confirmable_from(clock.now()).filter(|from| read_at < *from)
    }

    /// When a read may confirm the miss, by a wall clock that shows `now`. `None` if nothing is missed.
    #[must_use]
    pub fn confirmable_from(self, now: Timestamp) -> Option<Timestamp> {
        let passed = self.0?.instant.elapsed().try_into().unwrap_or(SignedDuration::MAX);
        now.checked_add(Self::CONFIRM_AFTER).ok()?.checked_sub(passed).ok()
    }
}

/// The memory of all objects.
#[derive(Debug, Default)]
pub struct Memory(Mutex<HashMap<Reference, Remembered>>);

impl Memory {
    /// The memory of the object with this uid. Empty if there is none.
    #[must_use]
    pub fn recall(&self, object: &Reference, uid: &str) -> Remembered {
        let remembered = self.0.lock().get(object).filter(|remembered| remembered.uid == uid).cloned();
        remembered.unwrap_or_else(|| Remembered { uid: uid.to_owned(), ..Remembered::default() })
    }

    pub fn store(&self, object: Reference, remembered: Remembered) {
        self.0.lock().insert(object, remembered);
    }

    pub fn forget(&self, object: &Reference) {
        self.0.lock().remove(object);
    }

    /// The watch has delivered `object`. Returns true if it is our own write, and no reconcile waits for it. A
    /// list may deliver it once more.
    #[must_use]
    pub fn take_echo(&self, object: &WatchedImage) -> bool {
        let version = object.meta().resource_version.as_deref().unwrap_or_default();
        let mut known = self.0.lock();
        let Some(remembered) = known.get_mut(&object.reference()) else { return false };
        if let Some(status) = &object.status {
            remembered.contest.arrived(status);
        }
        remembered.echo.arrived(version)
    }

    /// Whether `object` has a version that is known to be outdated.
    #[must_use]
    pub fn is_outdated(&self, object: &WatchedImage) -> bool {
        let known = self.0.lock();
        let Some(Echo::Awaited { outdated, .. }) = known.get(&object.reference()).map(|known| &known.echo) else {
            return false;
        };
        object.meta().resource_version.as_ref() == Some(outdated)
    }

    /// Counts one more failed write. Returns the number of failed writes in a row, and whether `cause` is new.
    pub fn count_failed_write(&self, object: &Reference, cause: &'static str, now: Timestamp) -> (u32, bool) {
        let mut known = self.0.lock();
        let remembered = known.entry(object.clone()).or_default();
        Unwritten::failed(&mut remembered.unwritten, cause, now)
    }

    /// Since when the oldest status could not be written. `None` if all are written.
    #[must_use]
    pub fn oldest_unwritten(&self) -> Option<Timestamp> {
        self.0.lock().values().filter_map(|one| one.unwritten.as_ref()).map(|unwritten| unwritten.since).min()
    }

    /// The number of objects that are remembered.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.lock().len()
    }

    /// Forgets all objects except these.
    pub fn retain(&self, objects: &HashSet<Reference>) {
        let mut known = self.0.lock();
        known.retain(|object, _| objects.contains(object));
        fit(&mut known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn watched(version: &str) -> WatchedImage {
        let metadata = json!({"name": "hpc", "namespace": "images", "resourceVersion": version});
        serde_json::from_value(json!({"metadata": metadata, "spec": {"imageId": "hpc"}})).unwrap()
    }

    fn remembering(echo: Echo) -> Memory {
        let memory = Memory::default();
        memory.store(watched("1").reference(), Remembered { echo, ..Remembered::default() });
        memory
    }

    #[test]
    fn requests_of_one_object_share_a_read_every_ten_seconds() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut memory = Remembered::default();
        assert_eq!(memory.requested_at("a", at(100)), at(100));
        assert_eq!(memory.requested_at("a", at(104)), at(100), "the same request");
        assert_eq!(memory.requested_at("b", at(105)), at(110));
        assert_eq!(memory.requested_at("c", at(106)), at(110), "it does not move away");
        assert_eq!(memory.requested_at("d", at(111)), at(120));
        assert_eq!(memory.requested_at("e", at(500)), at(500));
    }

    #[tokio::test(start_paused = true)]
    async fn a_mark_is_first_seen_once_by_a_clock_that_nobody_sets() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let marked = |minute: u8| -> CustomImageStatus {
            let mark = json!({
                "type": "Finalizing", "status": "True", "reason": "Finalizing", "message": "",
                "lastTransitionTime": format!("2026-11-24T10:{minute:02}:00Z")
            });
            serde_json::from_value(json!({"conditions": [mark]})).unwrap()
        };
        let mut memory = Remembered::default();
        // A minute passes before each of them, whatever the wall clock shows.
        for (status, now, seen) in [
            (CustomImageStatus::default(), 1000, 1000),
            (marked(0), 2000, 2000),
            (marked(0), 2060, 2000),
            (marked(0), 920, 800),
            (marked(0), 9000, 8820),
            (marked(5), 9060, 9060),
            (CustomImageStatus::default(), 9120, 9120),
            (marked(5), 9180, 9180),
        ] {
            tokio::time::advance(std::time::Duration::from_secs(60)).await;
            assert_eq!(memory.sees_finalizing(&status, at(now)), at(seen), "at {now}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_miss_is_confirmed_by_a_read_that_begins_15_s_after_the_first_has_answered() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let clock = |now: fn() -> Timestamp| Clock::new(now);
        let mut missed = Missed::default();
        // The read began at second 80, and answered at second 100.
        let again = missed.again(at(80), clock(|| Timestamp::from_second(100).unwrap()));
        assert_eq!(again, Some(at(115)));
        tokio::time::advance(std::time::Duration::from_secs(15)).await;
        assert_eq!(
            missed.again(at(96), clock(|| Timestamp::from_second(115).unwrap())),
            Some(at(115)),
            "it began before"
        );
        // The wall clock was set forward, or back, by an hour.
        assert_eq!(missed.again(at(100), clock(|| Timestamp::from_second(3715).unwrap())), Some(at(3715)));
        assert_eq!(missed.again(at(-3480), clock(|| Timestamp::from_second(-3480).unwrap())), None);
    }

    #[test]
    fn a_status_is_behind_until_it_has_an_answer_of_aws() {
        let mut memory = Remembered::default();
        memory.differs(false, Clock::SYSTEM);
        assert_eq!(memory.behind, None, "AWS has not answered");
        memory.differs(true, Clock::SYSTEM);
        let since = memory.behind;
        memory.stands(None, false);
        memory.wrote(false);
        memory.differs(true, Clock::SYSTEM);
        assert!(since.is_some() && memory.behind == since, "a status without an answer changes nothing");
        memory.stands(None, true);
        assert_eq!(memory.behind, None);
        memory.differs(true, Clock::SYSTEM);
        memory.wrote(true);
        assert_eq!(memory.behind, None);
    }

    #[test]
    fn our_own_write_does_not_trigger_unless_a_reconcile_was_put_off_until_it_comes() {
        assert!(!Memory::default().take_echo(&watched("2")));
        let mut echo = Echo::default();
        echo.wrote("1", Some("2".into()));
        let memory = remembering(echo.clone());
        assert!(memory.is_outdated(&watched("1")) && !memory.is_outdated(&watched("2")));
        assert!(!memory.take_echo(&watched("3")) && memory.take_echo(&watched("2")));
        assert!(memory.take_echo(&watched("2")), "a list delivers it once more");
        echo.met_outdated("1");
        assert!(!remembering(echo).take_echo(&watched("2")), "a reconcile was put off until it comes");
    }
}
