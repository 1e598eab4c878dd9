//! The call log: the latest calls one by one, and counts of all calls.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Serialize;

/// One request and how it ended.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// Time of the world's clock.
    pub at: String,
    pub service: String,
    pub operation: String,
    pub region: String,
    pub account: String,
    pub access_key: Option<String>,
    /// HTTP status; 0 when the connection was reset instead.
    pub status: u16,
    pub error_code: Option<String>,
    /// The kind of the fault that applied, if any.
    pub fault: Option<String>,
    /// Whether the operation would change something in AWS.
    pub write: bool,
    /// Stack name, image build version ARN, log group:stream, bucket/key, role, or the number of filter values.
    pub subject: String,
    pub user_agent: String,
}

/// The number of calls with the same service, operation, region, account and status.
#[derive(Clone, Debug, Serialize)]
pub struct CallCount {
    pub service: String,
    pub operation: String,
    pub region: String,
    pub account: String,
    pub status: u16,
    pub count: u64,
}

#[derive(Default)]
pub(crate) struct CallLog {
    latest: VecDeque<Call>,
    counts: BTreeMap<(String, String, String, String, u16), u64>,
    writes: u64,
    user_agents: BTreeSet<String>,
    max_filter_values: usize,
}

/// The answer of `GET /_simulator/calls`.
#[derive(Serialize)]
pub(crate) struct CallReport {
    total: u64,
    writes: u64,
    max_filter_values: usize,
    user_agents: BTreeSet<String>,
    counts: Vec<CallCount>,
    calls: Vec<Call>,
}

impl CallLog {
    /// The number of calls that are kept one by one. Older calls are only counted.
    const KEPT: usize = 20_000;

    pub fn record(&mut self, call: Call) {
        let key =
            (call.service.clone(), call.operation.clone(), call.region.clone(), call.account.clone(), call.status);
        *self.counts.entry(key).or_default() += 1;
        self.writes += u64::from(call.write);
        if !self.user_agents.contains(&call.user_agent) {
            self.user_agents.insert(call.user_agent.clone());
        }
        if self.latest.len() == Self::KEPT {
            self.latest.pop_front();
        }
        self.latest.push_back(call);
    }

    pub fn saw_filter_values(&mut self, values: usize) {
        self.max_filter_values = self.max_filter_values.max(values);
    }

    pub fn calls(&self) -> Vec<Call> {
        self.latest.iter().cloned().collect()
    }

    pub fn counts(&self) -> Vec<CallCount> {
        let count = |(key, count): (&(String, String, String, String, u16), &u64)| {
            let (service, operation, region, account, status) = key.clone();
            CallCount { service, operation, region, account, status, count: *count }
        };
        self.counts.iter().map(count).collect()
    }

    pub fn count(&self, service: &str, operation: &str) -> u64 {
        let alike = self.counts.iter().filter(|((s, o, ..), _)| s == service && o == operation);
        alike.map(|(_, count)| count).sum()
    }

    pub fn writes(&self) -> u64 {
        self.writes
    }

    pub fn max_filter_values(&self) -> usize {
        self.max_filter_values
    }

    pub fn user_agents(&self) -> Vec<String> {
        self.user_agents.iter().cloned().collect()
    }

    pub fn report(&self) -> CallReport {
        CallReport {
            total: self.counts.values().sum(),
            writes: self.writes,
            max_filter_values: self.max_filter_values,
            user_agents: self.user_agents.clone(),
            counts: self.counts(),
            calls: self.calls(),
        }
    }
}
