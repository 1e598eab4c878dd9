//! Scripted faults: which requests a fault applies to, how often, and its effect.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// `ec2`, `cloudformation`, `imagebuilder`, `logs`, `s3` or `sts`. If absent, any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Such as `DescribeImages`. If absent, any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The number of matching requests that pass before the fault applies. It counts down.
    #[serde(default)]
    pub skip: u64,
    /// The number of requests that the fault applies to. It counts down; at 0 the fault is removed.
    #[serde(default)]
    pub times: Times,
    pub kind: FaultKind,
}

impl Fault {
    /// A fault that applies to every request to the operation.
    pub fn new(service: &str, operation: &str, kind: FaultKind) -> Self {
        let (service, operation) = (Some(service.to_owned()), Some(operation.to_owned()));
        Self { service, operation, region: None, account: None, skip: 0, times: Times::Forever, kind }
    }

    pub fn times(mut self, times: u64) -> Self {
        self.times = Times::Count(times);
        self
    }

    pub fn skip(mut self, skip: u64) -> Self {
        self.skip = skip;
        self
    }
}

/// A number, or `"forever"` (the default).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "times is a number or \"forever\"")]
pub enum Times {
    Count(u64),
    #[default]
    #[serde(with = "forever")]
    Forever,
}

mod forever {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("forever")
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "forever" => Ok(()),
            other => Err(D::Error::custom(format!("times is a number or \"forever\", not {other:?}"))),
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// The service's own throttling error.
    Throttle,
    /// Any error, in the service's own format.
    Error {
        status: u16,
        code: String,
        #[serde(default)]
        message: String,
    },
    /// A pause, then the answer that it would be without the pause (other faults included).
    Slow { millis: u64 },
    /// The connection is reset without a byte of reply.
    Reset,
    /// Headers and half of the body, then a reset.
    ResetMidBody,
    /// A well-framed reply with only the first `percent` percent of the body's bytes.
    CutShort { percent: u8 },
    /// The reply's status and headers without its body.
    EmptyBody,
    ReplaceBody {
        #[serde(default = "ok")]
        status: u16,
        body: String,
        #[serde(default = "text")]
        content_type: String,
    },
}

fn ok() -> u16 {
    200
}

fn text() -> String {
    "text/plain".into()
}
