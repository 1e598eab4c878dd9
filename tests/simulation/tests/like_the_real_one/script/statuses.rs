//! The bodies of requests, made by chance: statuses with each kind of field, and objects around them.

use super::Script;
use serde_json::{Value, json};

impl Script<'_> {
    pub(super) fn status(&mut self) -> Value {
        let mut status = json!({});
        for field in ["region", "phase", "accountId", "version"] {
            if self.random.bool() {
                status[field] = json!(self.one_of(&["a", "b"]));
            }
        }
        if self.random.bool() {
            status["observedGeneration"] = json!(self.random.i64(0..2));
        }
        if self.random.bool() {
            status["ec2AmiInfo"] = match self.random.u8(0..5) {
                0 => json!({}),
                1 => json!({"amiId": "ami-1"}),
                2 => json!({"amiId": "ami-2", "tags": []}),
                3 => json!({"amiName": "n", "tags": [{"key": "k"}]}),
                _ => json!({"state": "S", "tags": [{"key": "k", "value": "v"}, {"key": "l", "value": ""}]}),
            };
        }
        if self.random.bool() {
            status["build"] = json!({"durationSeconds": self.random.i64(0..2), "amiId": null});
        }
        let mut kinds = vec!["Ready", "Synced", "Stalled", "Foreign"];
        self.random.shuffle(&mut kinds);
        kinds.truncate(self.random.usize(0..4));
        let conditions: Vec<Value> = kinds.into_iter().map(|kind| self.condition(kind)).collect();
        if !conditions.is_empty() || self.random.u8(0..4) == 0 {
            status["conditions"] = json!(conditions);
        }
        status
    }

    fn condition(&mut self, kind: &str) -> Value {
        let status = self.one_of(&["True", "False", "True", "False", "True", "Odd"]);
        json!({"type": kind, "status": status, "reason": "R", "message": "", "lastTransitionTime": "2026-11-24T10:00:00Z"})
    }
}

pub(super) fn image(name: &str, mut fields: Value) -> Value {
    fields["apiVersion"] = json!("parallelcluster.dev/v1");
    fields["kind"] = json!("CustomImage");
    fields["metadata"] = json!({"name": name});
    fields
}
