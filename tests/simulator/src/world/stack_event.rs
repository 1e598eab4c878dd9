//! An event of a stack, with the fields of DescribeStackEvents. StackId and StackName are those of its stack.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StackEvent {
    /// Empty: generated. An event of the stack itself has a UUID, one of a resource `LOGICAL-STATUS-TIME`.
    pub event_id: String,
    /// The stack's own events have the stack's name here.
    pub logical_id: Option<String>,
    /// Empty until the resource has one. The stack's own events have the stack's ARN here.
    pub physical_id: Option<String>,
    pub resource_type: Option<String>,
    pub timestamp: Option<String>,
    pub status: Option<String>,
    pub status_reason: Option<String>,
    /// JSON, as text.
    pub properties: Option<String>,
    pub client_request_token: Option<String>,
}

impl Default for StackEvent {
    fn default() -> Self {
        Self {
            event_id: String::new(),
            logical_id: Some("ParallelClusterImage".into()),
            physical_id: Some(String::new()),
            resource_type: Some("AWS::ImageBuilder::Image".into()),
            timestamp: Some("2025-01-02T03:01:00.456Z".into()),
            status: Some("CREATE_IN_PROGRESS".into()),
            status_reason: None,
            properties: None,
            client_request_token: None,
        }
    }
}
