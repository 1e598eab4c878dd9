//! What was written, for those who judge the simulation.

use jiff::Timestamp;
use serde_json::Value;

/// A write of a status that the server has done, even if it changed nothing.
#[derive(Clone, Debug)]
pub struct StatusWrite {
    /// By the server's clock.
    pub at: Timestamp,
    /// The client. For a direct write: the manager.
    pub client: String,
    pub manager: String,
    pub namespace: String,
    pub name: String,
    pub uid: String,
    /// When the object was created, by the server's clock.
    pub created: Timestamp,
    /// What the user wants.
    pub spec: Value,
    pub version_before: u64,
    /// The same as before if nothing has changed.
    pub version_after: u64,
    /// Null if there was none.
    pub before: Value,
    pub after: Value,
    /// What the client has said: an apply leaves the fields of others as they are.
    pub said: Value,
    /// Whether the object has a new version. A write may change only who owns a field.
    pub has_changed: bool,
}

/// A write of a Lease that the server has done.
#[derive(Clone, Debug)]
pub struct LeaseWrite {
    pub at: Timestamp,
    pub client: String,
    pub namespace: String,
    pub name: String,
    /// 0 if the Lease is new.
    pub version_before: u64,
    pub version_after: u64,
    /// Empty if there was none.
    pub holder_before: String,
    pub holder_after: String,
}

/// A write that oracles may want to see.
#[derive(Clone, Debug)]
pub enum Write {
    Status(StatusWrite),
    Lease(LeaseWrite),
}

/// Called after each write, in the order of the writes. It may ask the server.
pub type Observer = Box<dyn FnMut(&Write) + Send>;
