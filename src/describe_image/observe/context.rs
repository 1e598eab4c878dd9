//! `ReadContext`: what a read shares with earlier reads, and with others that are under way in its scope.

use crate::describe_image::image_id::ImageId;
use crate::describe_image::observation::Observation;
use crate::describe_image::scope::Scope;
use crate::describe_image::source::{ImageSource, Priority, StackAnswer, Turn};

/// What a read shares with others. The defaults share nothing.
pub trait ReadContext: Sync {
    /// The turn of a read that answers for many images.
    fn shared_turn(&self, scope: &Scope) -> Turn;

    /// The turn of a read for this image alone.
    fn turn(&self, scope: &Scope, _: &ImageId) -> Turn {
        self.shared_turn(scope)
    }

    /// The last observation of the image.
    fn last(&self, _: &ImageId) -> Option<Observation> {
        None
    }

    /// The stack with the image's name, read by name or together with others. `None` if the image has lost its last
    /// subscriber.
    fn stack(
        &self,
        source: &impl ImageSource,
        scope: &Scope,
        id: &ImageId,
    ) -> impl Future<Output = Option<StackAnswer>> + Send {
        async move { Some(source.stack(scope, id, &self.turn(scope, id)).await) }
    }
}

/// All reads have this turn.
impl ReadContext for Turn {
    fn shared_turn(&self, _: &Scope) -> Turn {
        self.clone()
    }
}

/// The context of a process that reads once.
impl ReadContext for () {
    fn shared_turn(&self, scope: &Scope) -> Turn {
        Turn::shared(Priority::Urgent, scope)
    }
}
