//! `ReadContext`: what a read shares with earlier reads, and with others that are under way in its scope.

use crate::describe_image::image_id::ImageId;
use crate::describe_image::observation::{Observation, Stack};
use crate::describe_image::scope::Scope;
use crate::describe_image::source::{ImageSource, Priority, Turn};
use crate::describe_image::source_error::SourceError;

/// What a read shares with others. `()` is for a process that reads once.
pub trait ReadContext: Sync {
    /// The turn of a read for this image alone.
    fn turn(&self, scope: &Scope, id: &ImageId) -> Turn;

    /// The turn of a read that answers for many images.
    fn shared_turn(&self, scope: &Scope) -> Turn;

    /// The last observation of the image.
    fn last(&self, id: &ImageId) -> Option<Observation>;

    /// The stack with the image's name, read by name or together with others. `None` if the image has lost its last
    /// subscriber.
    fn stack(
        &self,
        source: &impl ImageSource,
        scope: &Scope,
        id: &ImageId,
    ) -> impl Future<Output = Option<Result<Option<Stack>, SourceError>>> + Send;
}

impl ReadContext for () {
    fn turn(&self, scope: &Scope, _: &ImageId) -> Turn {
        self.shared_turn(scope)
    }

    fn shared_turn(&self, scope: &Scope) -> Turn {
        Turn::shared(Priority::Urgent, scope)
    }

    fn last(&self, _: &ImageId) -> Option<Observation> {
        None
    }

    async fn stack(
        &self,
        source: &impl ImageSource,
        scope: &Scope,
        id: &ImageId,
    ) -> Option<Result<Option<Stack>, SourceError>> {
        Some(source.stack(scope, id, &self.shared_turn(scope)).await)
    }
}
