//! Rate limits: token buckets, and the numbers that AWS has (or is assumed to have).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Requests that a full bucket allows at once.
    pub burst: f64,
    /// Refill, in requests a second.
    pub per_second: f64,
}

/// EC2's is documented; the others are unpublished and assumed.
pub fn aws_limits() -> BTreeMap<String, Limit> {
    [
        ("ec2:DescribeImages", 100.0, 20.0),
        ("cloudformation:DescribeStacks", 10.0, 5.0),
        ("cloudformation:DescribeStackResource", 10.0, 5.0),
        ("imagebuilder:GetImage", 10.0, 5.0),
        ("sts:AssumeRole", 100.0, 100.0),
        ("sts:GetCallerIdentity", 100.0, 100.0),
    ]
    .into_iter()
    .map(|(operation, burst, per_second)| (operation.to_owned(), Limit { burst, per_second }))
    .collect()
}
