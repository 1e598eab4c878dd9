//! The operations of the interface, with the paths of the API.

use strum::{IntoStaticStr, VariantArray};

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Operation {
    ListImages,
    DescribeImage,
    ListImageLogStreams,
    GetImageLogEvents,
    GetImageStackEvents,
}

impl Operation {
    /// The path, with `{id}` for the image id.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::ListImages => "/v3/images/custom",
            Self::DescribeImage => "/v3/images/custom/{id}",
            Self::ListImageLogStreams => "/v3/images/custom/{id}/logstreams",
            Self::GetImageLogEvents => "/v3/images/custom/{id}/logstreams/{stream}",
            Self::GetImageStackEvents => "/v3/images/custom/{id}/stackevents",
        }
    }

    /// The operation with this path.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        Self::VARIANTS.iter().copied().find(|operation| operation.path() == path)
    }
}
