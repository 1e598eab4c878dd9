//! What must hold, whatever happens. Each oracle is one file. They look at what the API server and AWS have seen. Only the one
//! that nothing is left looks into the operator. That of convergence asks the operator's own `describe`, which the official
//! program is compared with elsewhere.

mod beside;
mod budget;
mod claims;
mod convergence;
mod gone;
mod grounds;
mod met;
mod orders;
mod ready;
mod rest;
mod steady;
#[cfg(test)]
mod tests;
mod truth;
mod writers;

pub use budget::check as check_budget;
pub use convergence::check as check_convergence;
pub use orders::Orders;
pub use rest::{check_forgotten, check_quiet};
pub use steady::Steady;
pub use truth::Truth;
pub use writers::Writers;

use serde_json::Value;

/// The number and the life of the process that is the client of a request, `None` for another client.
fn process(client: &str) -> Option<(usize, u32)> {
    let (number, life) = client.split_once('.')?;
    Some((number.parse().ok()?, life.parse().ok()?))
}

/// Whether a client is a process of the operator.
pub fn is_operator(client: &str) -> bool {
    process(client).is_some()
}

/// The condition of this type.
fn condition<'a>(status: &'a Value, type_: &str) -> Option<&'a Value> {
    status["conditions"].as_array()?.iter().find(|condition| condition["type"] == type_)
}

/// The reason of Ready.
pub fn reason(status: &Value) -> &str {
    condition(status, "Ready").and_then(|ready| ready["reason"].as_str()).unwrap_or_default()
}

/// The time between two answers of EC2 that a process believes against what a status shows, in seconds.
const CONFIRMED: f64 = 15.0;

/// Reasons that stand for no answer of AWS. Such a status may be old, and says so.
const UNANSWERED: [&str; 8] = [
    "NotYetObserved",
    "Suspended",
    "Stale",
    "AccessDenied",
    "InvalidCredentials",
    "InvalidRequest",
    "UnknownRegion",
    "IdentityNotAllowed",
];
