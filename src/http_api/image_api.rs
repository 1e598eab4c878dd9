//! What the interface asks: the port to whoever serves it.

use super::reply::Failure;
use crate::describe_image::image_logs::{LogPart, LogQuery, LogStreams, StackEvents};
use crate::describe_image::observation::Stack;
use crate::describe_image::response::ListImagesResponse;
use crate::describe_image::{ApiError, DescribeImageResponse, ImageId, Scope, SourceError};

/// What the interface asks. A missing log or stack is an answer, not an error.
pub trait ImageApi: Send + Sync + 'static {
    /// Where images are read: in the `region` of the request, else in the default one.
    ///
    /// # Errors
    /// If there is no such region, or no default one.
    fn scope(&self, region: Option<&str>) -> Result<Scope, ApiError>;

    fn describe(
        &self,
        scope: &Scope,
        id: &ImageId,
    ) -> impl Future<Output = Result<DescribeImageResponse, Failure>> + Send;

    /// All images that the API lists as available.
    fn available_images(&self, scope: &Scope) -> impl Future<Output = Result<ListImagesResponse, SourceError>> + Send;

    /// A page of all stacks, and the token of the next one.
    fn stacks(
        &self,
        scope: &Scope,
        token: Option<String>,
    ) -> impl Future<Output = Result<(Vec<Stack>, Option<String>), SourceError>> + Send;

    /// A page of the logs of an image. `None` if it has none.
    fn log_streams(
        &self,
        scope: &Scope,
        id: &ImageId,
        token: Option<String>,
    ) -> impl Future<Output = Result<Option<LogStreams>, SourceError>> + Send;

    fn log_events(
        &self,
        scope: &Scope,
        id: &ImageId,
        stream: &str,
        query: &LogQuery,
    ) -> impl Future<Output = Result<LogPart, SourceError>> + Send;

    /// A page of the events of the image's stack, the newest first. `None` if it has no stack now.
    fn stack_events(
        &self,
        scope: &Scope,
        id: &ImageId,
        token: Option<String>,
    ) -> impl Future<Output = Result<Option<StackEvents>, SourceError>> + Send;
}
