//! `ImageBuildStatus` and its table of CloudFormation stack statuses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The status of an image's build. ParallelCluster computes it, so the list is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum ImageBuildStatus {
    BuildInProgress,
    BuildFailed,
    BuildComplete,
    DeleteInProgress,
    DeleteFailed,
    DeleteComplete,
}

impl ImageBuildStatus {
    /// The build status of an image whose stack has `stack_status`. `None` for a status that is not in
    /// ParallelCluster's table, such as UPDATE_FAILED or one that CloudFormation adds later.
    #[must_use]
    pub fn of_stack(stack_status: &str) -> Option<Self> {
        Some(match stack_status {
            "CREATE_IN_PROGRESS"
            | "UPDATE_IN_PROGRESS"
            | "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
            | "UPDATE_ROLLBACK_IN_PROGRESS"
            | "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
            | "REVIEW_IN_PROGRESS"
            | "IMPORT_IN_PROGRESS"
            | "IMPORT_ROLLBACK_IN_PROGRESS" => Self::BuildInProgress,
            "CREATE_FAILED"
            | "ROLLBACK_IN_PROGRESS"
            | "ROLLBACK_FAILED"
            | "ROLLBACK_COMPLETE"
            | "UPDATE_ROLLBACK_FAILED"
            | "UPDATE_ROLLBACK_COMPLETE"
            | "IMPORT_ROLLBACK_FAILED"
            | "IMPORT_ROLLBACK_COMPLETE" => Self::BuildFailed,
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => Self::BuildComplete,
            "DELETE_IN_PROGRESS" => Self::DeleteInProgress,
            "DELETE_FAILED" => Self::DeleteFailed,
            "DELETE_COMPLETE" => Self::DeleteComplete,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_stack_statuses_have_no_build_status() {
        for status in ["UPDATE_FAILED", "", "create_complete", "TOMORROW_IN_PROGRESS"] {
            assert_eq!(ImageBuildStatus::of_stack(status), None, "{status}");
        }
    }

    #[test]
    fn wire_names_are_the_names_of_the_api() {
        let wire = |status| serde_json::to_value(status).unwrap();
        assert_eq!(wire(ImageBuildStatus::BuildInProgress), "BUILD_IN_PROGRESS");
        assert_eq!(wire(ImageBuildStatus::DeleteComplete), "DELETE_COMPLETE");
    }
}
