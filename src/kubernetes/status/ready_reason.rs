//! The closed set of reasons of the condition Ready, and what follows from each reason alone.

use crate::kubernetes::status::conditions;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use strum::{EnumString, IntoStaticStr, VariantArray};

/// A reason of Ready. The set is closed, because the reason is the label of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
pub enum ReadyReason {
    ImageAvailable,
    ImagePending,
    ImageUnusable,
    Finalizing,
    OrphanedImage,
    Building,
    Deleting,
    BuildFailed,
    DeleteFailed,
    UnknownBuildStatus,
    NotFound,
    Deleted,
    NotYetObserved,
    Suspended,
    Stale,
    AccessDenied,
    InvalidCredentials,
    InvalidRequest,
    UnknownRegion,
    IdentityNotAllowed,
}

/// What follows from a reason alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Meaning {
    /// True if AWS answered. False if there is no answer.
    is_observed: bool,
    /// The Event for a change to this reason.
    news: News,
}

/// Which Event a change to a reason causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// No Event.
    None,
    /// A Normal Event. For the first observation of an object only if `at_first_sight`.
    Normal { at_first_sight: bool },
    /// A Warning Event. For the first observation of an object only if `at_first_sight`.
    Warning { at_first_sight: bool },
}

impl ReadyReason {
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The reason of Ready in `conditions`. `None` if Ready is missing or its reason is not in the set.
    #[must_use]
    pub fn of(conditions: &[Condition]) -> Option<Self> {
        conditions::find(conditions, conditions::READY).and_then(|ready| ready.reason.parse().ok())
    }

    /// Whether the reason comes from an answer of AWS. False if it means that there is no answer.
    #[must_use]
    pub fn is_observed(self) -> bool {
        self.meaning().is_observed
    }

    /// Whether AWS is asked for objects with this reason. It is not asked for those that can have no answer.
    #[must_use]
    pub fn asks_aws(self) -> bool {
        !matches!(self, Self::UnknownRegion | Self::IdentityNotAllowed)
    }

    #[must_use]
    pub fn news(self) -> News {
        self.meaning().news
    }

    /// One table without a default, so that a new reason does not compile until it has a row.
    fn meaning(self) -> Meaning {
        let (is_observed, news) = match self {
            Self::ImageAvailable => (true, News::Normal { at_first_sight: false }),
            Self::ImagePending | Self::Finalizing | Self::Building | Self::Deleting => {
                (true, News::Normal { at_first_sight: true })
            }
            Self::ImageUnusable | Self::BuildFailed | Self::DeleteFailed => {
                (true, News::Warning { at_first_sight: false })
            }
            Self::OrphanedImage | Self::UnknownBuildStatus | Self::NotFound | Self::Deleted => {
                (true, News::Warning { at_first_sight: true })
            }
            Self::NotYetObserved => (false, News::None),
            Self::Suspended => (false, News::Normal { at_first_sight: true }),
            Self::Stale
            | Self::AccessDenied
            | Self::InvalidCredentials
            | Self::InvalidRequest
            | Self::UnknownRegion
            | Self::IdentityNotAllowed => (false, News::Warning { at_first_sight: true }),
        };
        Meaning { is_observed, news }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_parses_from_its_name() {
        for reason in ReadyReason::VARIANTS {
            assert_eq!(reason.name().parse(), Ok(*reason));
        }
    }
}
