//! Why an image is Ready, or not: the closed set of reasons, and what follows from each alone.

use crate::kubernetes::status::conditions;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use strum::{EnumString, IntoStaticStr, VariantArray};

/// A reason of Ready. A closed set, because it is the label of a metric.
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
    /// AWS has answered so. Else there is no answer.
    is_observed: bool,
    /// What the change to this reason is to whoever watches the object.
    news: News,
}

/// What a change to a reason is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// No Event.
    None,
    /// A Normal Event; of an object that has just been created only where `at_first_sight`.
    Normal { at_first_sight: bool },
    /// A Warning; of an object that has just been created only where `at_first_sight`.
    Warning { at_first_sight: bool },
}

impl ReadyReason {
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The reason of Ready in a status that this operator has written.
    #[must_use]
    pub fn of(conditions: &[Condition]) -> Option<Self> {
        conditions::find(conditions, conditions::READY).and_then(|ready| ready.reason.parse().ok())
    }

    /// Whether the reason comes from what AWS answered, and not from a lack of an answer.
    #[must_use]
    pub fn is_observed(self) -> bool {
        self.meaning().is_observed
    }

    #[must_use]
    pub fn news(self) -> News {
        self.meaning().news
    }

    /// One table, without a default: a new reason does not compile before each decision about it is made here.
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
    fn the_name_of_a_reason_is_read_back_as_that_reason() {
        for reason in ReadyReason::VARIANTS {
            assert_eq!(reason.name().parse(), Ok(*reason));
        }
    }
}
