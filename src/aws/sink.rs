//! [`CallSink`]: receives every attempt to call AWS, and every wait for the budget, for example to count them.

use crate::describe_image::source::Priority;
use std::fmt::Debug;
use std::time::Duration;
use strum::IntoStaticStr;

/// One attempt of a call.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    pub service: &'a str,
    pub operation: &'a str,
    pub outcome: CallOutcome,
    pub latency: Duration,
}

/// How an attempt ended. It is a closed set, because it labels a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum CallOutcome {
    Success,
    Throttled,
    /// The service refused it: any other status, usually 4xx.
    Refused,
    ServerError,
    /// No whole reply: a timeout, a broken connection, a reply cut short.
    NoReply,
}

impl CallOutcome {
    #[must_use]
    pub fn label(self) -> &'static str {
        self.into()
    }
}

/// Receives every attempt, for example to count it.
pub trait CallSink: Debug + Send + Sync {
    fn record(&self, call: Call<'_>);
    /// A call of this priority begins to wait for the budget.
    fn waits(&self, _: Priority) {}
    /// It has waited for so long, and is made now or given up.
    fn waited(&self, _: Priority, _: Duration) {}
}

/// The sink of a process that counts nothing.
#[derive(Debug)]
pub struct IgnoreCalls;

impl CallSink for IgnoreCalls {
    fn record(&self, _: Call<'_>) {}
}
