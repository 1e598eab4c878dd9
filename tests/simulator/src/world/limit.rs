//! Rate limits: token buckets, and AWS's own limits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Requests that a full bucket allows at once.
    pub burst: f64,
    /// Refill, in requests per second.
    pub per_second: f64,
}

/// AWS's own limits. Those of EC2 and CloudWatch Logs are documented, the latter by region: these are the lowest. The
/// others are not published, and are assumptions.
pub fn aws_limits() -> BTreeMap<String, Limit> {
    [
        ("ec2:DescribeImages", 100.0, 20.0),
        ("cloudformation:DescribeStacks", 10.0, 5.0),
        ("cloudformation:DescribeStackResource", 10.0, 5.0),
        ("cloudformation:DescribeStackEvents", 10.0, 5.0),
        ("imagebuilder:GetImage", 10.0, 5.0),
        ("logs:GetLogEvents", 10.0, 10.0),
        ("logs:DescribeLogStreams", 25.0, 25.0),
        ("logs:DescribeLogGroups", 10.0, 10.0),
        ("sts:AssumeRole", 100.0, 100.0),
        ("sts:GetCallerIdentity", 100.0, 100.0),
    ]
    .into_iter()
    .map(|(operation, burst, per_second)| (operation.to_owned(), Limit { burst, per_second }))
    .collect()
}
