//! What the interface asks: the port to whoever serves it.

use super::reply::{Aged, Failure};
use crate::describe_image::list_images::available_images;
use crate::describe_image::response::ListImagesResponse;
use crate::describe_image::source::{ImageSource, StorySource, Turn};
use crate::describe_image::{DescribeImageResponse, ImageId, Scope, SourceError};
use std::sync::Arc;

/// Who answers the requests of a caller. Only the caller's own rights count: they were looked at before.
pub trait ImageApi: Send + Sync + 'static {
    type Source: ImageSource + StorySource;

    /// Where images are read: in the `region` of the request, else in the default one.
    ///
    /// # Errors
    /// If there is no such region, no default one, or if the caller may not read there.
    fn scope(&self, region: Option<&str>) -> Result<Scope, Failure>;

    fn describe(
        &self,
        scope: &Scope,
        id: &ImageId,
    ) -> impl Future<Output = Result<Aged<DescribeImageResponse>, Failure>> + Send;

    /// All images that the API lists as available.
    fn available_images(
        &self,
        scope: &Scope,
    ) -> impl Future<Output = Result<Aged<Arc<ListImagesResponse>>, SourceError>> + Send {
        async move {
            let list = available_images(self.source(), scope, &self.turn(scope)).await?;
            Ok(Aged { answer: Arc::new(list), age: None })
        }
    }

    /// What all other operations read.
    fn source(&self) -> &Self::Source;

    /// The turn of a read for the caller.
    fn turn(&self, scope: &Scope) -> Turn;

    /// The stack whose events may be told as those of the image: its name or ARN. `None` if there is none.
    fn stack(&self, scope: &Scope, id: &ImageId) -> impl Future<Output = Result<Option<String>, SourceError>> + Send;
}
