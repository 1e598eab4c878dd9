//! Pages, asked for one after another within the rate limit, to the last one.

use super::budget::RateLimit;
use crate::describe_image::source::Priority;
use crate::describe_image::source_error::{SourceError, SourceErrorKind};

/// Far more pages than an account can fill, empty ones included.
const MOST_PAGES: usize = 1000;

/// One page.
pub struct Page<T> {
    /// `None` when the reply has no list at all, which is no answer. An empty list is one.
    pub items: Option<Vec<T>>,
    /// An empty page may still have a token.
    pub next_token: Option<String>,
}

/// Gives `take` the items of all pages of `action`. `fetch` asks for the page of a token.
///
/// # Errors
/// Those of `fetch`, a page without a list, and pages without an end. What `take` got until then is not all there is.
pub async fn all_pages<T, F>(
    action: &'static str,
    rate_limit: &RateLimit,
    priority: Priority,
    mut fetch: impl FnMut(Option<String>) -> F,
    mut take: impl FnMut(T),
) -> Result<(), SourceError>
where
    F: Future<Output = Result<Page<T>, SourceError>>,
{
    let broken =
        |what| Err(SourceError::asked(SourceErrorKind::ServiceError, action, format!("{action} was answered {what}")));
    let mut token = None;
    for _ in 0..MOST_PAGES {
        rate_limit.take(priority).await;
        let Page { items, next_token } = fetch(token).await?;
        let Some(items) = items else { return broken("without a list") };
        items.into_iter().for_each(&mut take);
        token = next_token.filter(|next| !next.is_empty());
        if token.is_none() {
            return Ok(());
        }
    }
    broken("with page after page, without an end")
}
