//! What a script came to, and how it is judged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Script;
use crate::api_server::{ApiServer, Resource};
use crate::oracle;

/// What a script came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// The statuses by the names of their objects, without the moments at which the operator has seen something.
    pub statuses: BTreeMap<String, Value>,
    /// The operator's writes of a status, also those that changed nothing.
    pub writes: usize,
    pub events: usize,
    /// The interactions before the end of the script.
    pub interactions: u64,
    /// How one process after the other has lived.
    pub trace: String,
}

impl End {
    pub(super) fn of(api: &ApiServer, writes: usize, interactions: u64, trace: String) -> Self {
        let name = |object: &Value| object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let objects = api.objects(Resource::CustomImage);
        let statuses = objects.iter().map(|object| (name(object), timeless(&object["status"]))).collect();
        Self { statuses, writes, events: api.objects(Resource::Event).len(), interactions, trace }
    }

    /// Why the script has not come to its end, if nothing crashed.
    pub fn unfinished(&self, script: Script) -> Option<String> {
        let names: Vec<String> = script.ids().collect();
        let is_final =
            |name: &&String| self.statuses.get(*name).is_some_and(|status| oracle::reason(status) == script.reason());
        let name = names.iter().find(|name| !is_final(name))?;
        Some(format!("{name} is not {}: {:?}", script.reason(), self.statuses.get(name.as_str())))
    }

    /// What a crash has changed.
    pub fn difference(&self, undisturbed: &Self) -> Option<String> {
        let most = (undisturbed.writes + 1, undisturbed.events + 1);
        let mut names = self.statuses.keys().chain(undisturbed.statuses.keys());
        if let Some(name) = names.find(|name| self.statuses.get(*name) != undisturbed.statuses.get(*name)) {
            let told = |end: &Self| end.statuses.get(name).map_or("missing".to_owned(), Value::to_string);
            return Some(format!(
                "the status of {name} is {}\n  and without a crash {}",
                told(self),
                told(undisturbed)
            ));
        }
        if self.writes > most.0 {
            return Some(format!("{} writes of a status, where {} are allowed", self.writes, most.0));
        }
        (self.events > most.1).then(|| format!("{} Events, where {} are allowed", self.events, most.1))
    }
}

/// A status without the moments at which the operator has seen something. AWS's own times stay.
fn timeless(status: &Value) -> Value {
    const MOMENTS: [&str; 5] = ["lastTransitionTime", "observedAt", "endedAt", "durationSeconds", "phaseStartedAt"];
    match status {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| !MOMENTS.contains(&name.as_str()));
            Value::Object(kept.map(|(name, value)| (name.clone(), said(name, value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(timeless).collect()),
        other => other.clone(),
    }
}

/// A message may say when something was or will be.
fn said(name: &str, value: &Value) -> Value {
    match value.as_str() {
        Some(text) if name == "message" => Value::String(without_times(text)),
        _ => timeless(value),
    }
}

/// The words of a text without those that begin like a time, `2027-01-15T08:20:00Z`.
fn without_times(text: &str) -> String {
    let is_time = |word: &&str| word.len() >= 20 && word.as_bytes()[4] == b'-' && word.as_bytes()[10] == b'T';
    text.split(' ').filter(|word| !is_time(word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn end() -> End {
        let ready = json!({"type": "Ready", "reason": "ImageAvailable", "message": "since 2027-01-15T08:20:00Z", "lastTransitionTime": "now"});
        let status = timeless(&json!({"conditions": [ready], "creationTime": "2027-01-15T08:20:00Z"}));
        let statuses = [("img-0".to_owned(), status)].into();
        End { statuses, writes: 3, events: 1, interactions: 9, trace: String::new() }
    }

    #[test]
    fn a_script_is_at_its_end_if_each_object_has_the_reason_that_belongs_to_it() {
        assert_eq!(end().unfinished(Script::Build), None);
        assert!(end().unfinished(Script::Failure).unwrap().starts_with("img-0 is not BuildFailed"));
        let nothing = End { statuses: BTreeMap::new(), ..end() };
        assert_eq!(nothing.unfinished(Script::Build).unwrap(), "img-0 is not ImageAvailable: None");
    }

    #[test]
    fn a_crash_may_cause_one_write_and_one_event_more_and_no_other_status() {
        let differs = |change: fn(&mut End)| {
            let mut other = end();
            change(&mut other);
            other.difference(&end())
        };
        assert_eq!(differs(|end| (end.writes, end.events) = (4, 2)), None);
        assert_eq!(differs(|end| end.writes = 5).unwrap(), "5 writes of a status, where 4 are allowed");
        assert_eq!(differs(|end| end.events = 3).unwrap(), "3 Events, where 2 are allowed");
        assert!(differs(|end| end.statuses.clear()).is_some());
        assert!(differs(|end| end.statuses.extend([("img-1".into(), json!({}))])).is_some());
        assert!(differs(|end| end.statuses.values_mut().for_each(|it| it["creationTime"] = json!("later"))).is_some());
    }

    #[test]
    fn the_moments_of_the_operator_are_no_difference() {
        let of = |at: &str| {
            timeless(&json!({"endedAt": at, "message": format!("since {at} it is so"), "creationTime": "a"}))
        };
        assert_eq!(of("2027-01-15T08:20:00Z"), of("2027-02-15T08:20:00Z"));
        assert_eq!(of("2027-01-15T08:20:00Z")["creationTime"], "a");
    }
}
