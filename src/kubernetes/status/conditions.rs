//! The condition types, Kubernetes' rule for transition times, and length limits for messages.

use crate::describe_image::source_error::cause_of_fix;
use crate::plain_text::escaped;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

pub const READY: &str = "Ready";
pub const SYNCED: &str = "Synced";
/// Present only while True.
pub const RECONCILING: &str = "Reconciling";
/// Present only while True, and never together with Reconciling.
pub const STALLED: &str = "Stalled";
/// Present only while a finished build lacks its AMI. Its transition time is the start.
pub const FINALIZING: &str = "Finalizing";
/// Present only while there is neither an AMI nor a stack. Its transition time is the start.
pub const ABSENT: &str = "Absent";
/// The marks: conditions about the image that stay while AWS does not answer.
pub const MARKS: [&str; 2] = [FINALIZING, ABSENT];
/// Present only while False.
pub const PAYLOAD_COMPLETE: &str = "PayloadComplete";

/// Kubernetes' limit for a condition's message, in characters.
const MESSAGE_LIMIT: usize = 32_768;

/// The condition of type `type_`, if present.
#[must_use]
pub fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// Whether it is none of the marks, or one that is True. The operator writes no other mark, but somebody else may have.
#[must_use]
pub fn is_no_false_mark(condition: &Condition) -> bool {
    condition.status == "True" || !MARKS.contains(&condition.type_.as_str())
}

/// A condition without its transition time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub type_: &'static str,
    pub status: &'static str,
    pub reason: &'static str,
    pub message: String,
    /// Keep the previous message if its text before the first ": " and its fix are the same. AWS words an error
    /// differently each time (request ids, encoded messages), so otherwise each read would cause a write.
    pub keeps_message: bool,
}

impl Finding {
    #[must_use]
    pub fn new(type_: &'static str, status: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { type_, status, reason, message: message.into(), keeps_message: false }
    }
}

/// Makes conditions of `findings`. A condition keeps its `previous` transition time until its status changes.
#[must_use]
pub fn date(findings: Vec<Finding>, previous: &[Condition], generation: Option<i64>, now: Timestamp) -> Vec<Condition> {
    let dated = |finding: Finding| {
        let message = escaped(&finding.message);
        let before = find(previous, finding.type_).filter(|before| before.status == finding.status);
        let is_same =
            |before: &Condition| before.reason == finding.reason && subject(&before.message) == subject(&message);
        let worded = before.filter(|before| finding.keeps_message && is_same(before));
        Condition {
            type_: finding.type_.to_owned(),
            status: finding.status.to_owned(),
            reason: finding.reason.to_owned(),
            message: worded.map_or_else(|| cut(&message, MESSAGE_LIMIT), |before| before.message.clone()),
            observed_generation: generation,
            last_transition_time: before.map_or(Time(whole_second(now)), |before| before.last_transition_time.clone()),
        }
    };
    findings.into_iter().map(dated).collect()
}

/// Text before the fix in an error's message.
pub const FIX: &str = " What to do: ";

/// What identifies an error in its message: the action and the kind (the text before AWS's words), and the fix without
/// digits. Another cause has another fix, but a number in the fix may grow.
fn subject(message: &str) -> (&str, String) {
    let (words, fix) = message.split_once(FIX).unwrap_or((message, ""));
    let subject = words.split_once(": ").map_or(words, |(subject, _)| subject);
    (subject, cause_of_fix(fix))
}

/// Cuts off the fraction, because Kubernetes stores times in whole seconds.
#[must_use]
pub fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// `text`, cut to at most `limit` characters. A cut text ends with "…".
#[must_use]
pub fn cut(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some(_) => text.chars().take(limit.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// `text`, cut to at most `limit` bytes between two characters.
#[must_use]
pub fn cut_bytes(text: &str, limit: usize) -> String {
    text.get(..text.floor_char_boundary(limit)).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(status: &'static str, message: &str, keeps_message: bool) -> Finding {
        Finding { type_: READY, status, reason: "AccessDenied", message: message.into(), keeps_message }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn transition_time_changes_only_with_the_status() {
        let first = date(vec![finding("Unknown", "a", false)], &[], Some(1), at(10));
        let same = date(vec![finding("Unknown", "b", false)], &first, Some(2), at(20));
        assert_eq!(same[0].last_transition_time, Time(at(10)));
        assert_eq!((same[0].message.as_str(), same[0].observed_generation), ("b", Some(2)));
        let flipped = date(vec![finding("True", "b", false)], &same, Some(2), at(30));
        assert_eq!(flipped[0].last_transition_time, Time(at(30)));
    }

    #[test]
    fn error_keeps_its_first_message_until_its_action_or_fix_changes() {
        let first = date(vec![finding("Unknown", "ec2:DescribeImages: request 1", true)], &[], None, at(1));
        assert_eq!(date(vec![finding("Unknown", "ec2:DescribeImages: request 2", true)], &first, None, at(2)), first);
        let other = date(vec![finding("Unknown", "imagebuilder:GetImage: request 3", true)], &first, None, at(2));
        assert_eq!(other[0].message, "imagebuilder:GetImage: request 3", "another action is another error");
        let with = |fix: &str| vec![finding("Unknown", &format!("sts: no credentials: x{FIX}{fix}"), true)];
        let first = date(with("the clock is off by 5 min"), &[], None, at(1));
        assert_eq!(date(with("the clock is off by 12 min"), &first, None, at(2)), first);
        assert_ne!(date(with("log in again"), &first, None, at(2)), first, "another fix is another cause");
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
        assert_eq!(cut_bytes("äöü", 6), "äöü");
        assert_eq!(cut_bytes("äöü", 5), "äö");
    }
}
