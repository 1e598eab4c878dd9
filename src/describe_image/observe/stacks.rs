//! `Stacks`: reads stacks one by one, or finds them among all stacks of the scope.

use crate::describe_image::image_id::ImageId;
use crate::describe_image::observation::Stack;
use crate::describe_image::observe::plan::Sizes;
use crate::describe_image::scope::Scope;
use crate::describe_image::source::{ImageSource, Priority};
use crate::describe_image::source_error::{SourceError, SourceErrorKind};
use std::collections::HashMap;

type ByName = HashMap<String, Stack>;

/// All stacks of the scope by name. `None` if the credentials may not list stacks.
pub(super) async fn all_stacks<S: ImageSource>(
    source: &S,
    scope: &Scope,
    priority: Priority,
    learned: &mut Sizes,
) -> Option<Result<ByName, SourceError>> {
    match source.all_stacks(scope, priority).await {
        Ok(stacks) => {
            learned.stacks = Some(stacks.len());
            let named = |stack: Stack| Some((stack.name()?.to_owned(), stack));
            Some(Ok(stacks.into_iter().filter_map(named).collect()))
        }
        // Listing stacks is a separate permission. They may still be readable by name.
        Err(error) if error.kind == SourceErrorKind::AccessDenied => None,
        Err(error) => Some(Err(error)),
    }
}

/// The stacks of a scope, read one by one or taken from `swept`.
pub(super) struct Stacks<'a, S> {
    pub source: &'a S,
    pub scope: &'a Scope,
    pub priority: Priority,
    /// All stacks, or the error of that read. `None` if stacks are read one by one.
    pub swept: Option<Result<ByName, SourceError>>,
}

impl<S: ImageSource> Stacks<'_, S> {
    /// Whether `swept` proves that there is no such stack.
    pub fn lacks(&self, id: &ImageId) -> bool {
        matches!(&self.swept, Some(Ok(stacks)) if !stacks.contains_key(id.as_str()))
    }

    pub async fn get(&self, id: &ImageId) -> Result<Option<Stack>, SourceError> {
        match &self.swept {
            Some(Ok(stacks)) => Ok(stacks.get(id.as_str()).cloned()),
            Some(Err(error)) => Err(error.clone()),
            None => self.source.stack(self.scope, id, self.priority).await,
        }
    }
}
