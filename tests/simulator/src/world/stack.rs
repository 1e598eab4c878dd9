//! A CloudFormation stack, its resources and its events: the fields of DescribeStacks, DescribeStackResource and
//! DescribeStackEvents.

use serde::{Deserialize, Serialize};

use super::{StackEvent, Tag};

/// Identity: the stack's ARN, `id`. A name means the last live stack with that name in the list.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stack {
    pub account: String,
    pub region: String,
    pub name: String,
    /// The stack's ARN. Empty: generated from region, account and name, always the same.
    pub id: String,
    pub description: Option<String>,
    pub status: Option<String>,
    pub status_reason: Option<String>,
    pub creation_time: Option<String>,
    pub last_updated_time: Option<String>,
    pub deletion_time: Option<String>,
    pub tags: Vec<Tag>,
    /// Key and value, in order.
    pub parameters: Vec<Tag>,
    /// Key and value, in order.
    pub outputs: Vec<Tag>,
    pub capabilities: Vec<String>,
    pub notification_arns: Vec<String>,
    pub disable_rollback: Option<bool>,
    pub termination_protection: Option<bool>,
    pub timeout_in_minutes: Option<u32>,
    pub role_arn: Option<String>,
    pub parent_id: Option<String>,
    pub root_id: Option<String>,
    pub resources: Vec<StackResource>,
    /// In order of time, the oldest first.
    pub events: Vec<StackEvent>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StackResource {
    pub logical_id: String,
    pub physical_id: Option<String>,
    pub resource_type: Option<String>,
    pub status: Option<String>,
    pub status_reason: Option<String>,
    pub last_updated_time: Option<String>,
    pub description: Option<String>,
}

impl Default for Stack {
    fn default() -> Self {
        Self {
            account: String::new(),
            region: String::new(),
            name: String::new(),
            id: String::new(),
            description: None,
            status: Some("CREATE_IN_PROGRESS".into()),
            status_reason: None,
            creation_time: Some("2025-01-02T03:00:00.123Z".into()),
            last_updated_time: None,
            deletion_time: None,
            tags: Vec::new(),
            parameters: Vec::new(),
            outputs: Vec::new(),
            capabilities: Vec::new(),
            notification_arns: Vec::new(),
            disable_rollback: Some(false),
            termination_protection: Some(false),
            timeout_in_minutes: None,
            role_arn: None,
            parent_id: None,
            root_id: None,
            resources: Vec::new(),
            events: Vec::new(),
        }
    }
}

impl Default for StackResource {
    fn default() -> Self {
        Self {
            logical_id: "ParallelClusterImage".into(),
            physical_id: None,
            resource_type: Some("AWS::ImageBuilder::Image".into()),
            status: Some("CREATE_IN_PROGRESS".into()),
            status_reason: None,
            last_updated_time: Some("2025-01-02T03:01:00.456Z".into()),
            description: None,
        }
    }
}

impl Stack {
    pub(crate) fn is_deleted(&self) -> bool {
        self.status.as_deref() == Some("DELETE_COMPLETE")
    }

    /// The resource with this logical id. It is added if there is none.
    pub fn resource(&mut self, logical_id: &str) -> &mut StackResource {
        let index = self.resources.iter().position(|resource| resource.logical_id == logical_id).unwrap_or_else(|| {
            self.resources.push(StackResource { logical_id: logical_id.into(), ..StackResource::default() });
            self.resources.len() - 1
        });
        &mut self.resources[index]
    }
}
