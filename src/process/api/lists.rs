//! `Lists`: lists of available images that several callers share. One reads all AMIs of a region.

use crate::describe_image::list_images::available_images;
use crate::describe_image::response::ListImagesResponse;
use crate::describe_image::source::{ImageSource, Turn};
use crate::describe_image::{Scope, SourceError};
use crate::http_api::Aged;
use quick_cache::sync::Cache;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a list is given to others.
const STAY: Duration = Duration::from_secs(10);
/// The lists that stay. Ten thousand images take some megabytes.
const MOST: usize = 8;

pub struct Lists(Cache<Scope, (Arc<ListImagesResponse>, Instant)>);

impl Default for Lists {
    fn default() -> Self {
        Self(Cache::new(MOST))
    }
}

impl Lists {
    /// The list of `scope`. Those who ask at once share a read.
    ///
    /// # Errors
    /// If AWS does not answer for every page.
    pub async fn of(
        &self,
        source: &impl ImageSource,
        scope: &Scope,
        turn: &Turn,
    ) -> Result<Aged<Arc<ListImagesResponse>>, SourceError> {
        let _ = self.0.remove_if(scope, |(_, begun)| begun.elapsed() >= STAY);
        let read = async {
            let begun = Instant::now();
            available_images(source, scope, turn).await.map(|list| (Arc::new(list), begun))
        };
        let (answer, begun) = self.0.get_or_insert_async(scope, read).await?;
        Ok(Aged { answer, age: Some(begun.elapsed()) })
    }
}
