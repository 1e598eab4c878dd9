//! Pagination: reads one page after the other, within the rate limit, up to the last one.

use super::budget::RateLimit;
use super::error::required;
use crate::describe_image::source::Turn;
use crate::describe_image::source_error::{SourceError, SourceErrorKind};

/// Far more pages than an account can fill, empty ones included.
const MOST_PAGES: usize = 1000;

/// One page of a reply.
pub struct Page<T> {
    /// `None` if the reply has no list, which is an error. An empty list is valid.
    pub items: Option<Vec<T>>,
    /// The token of the next page. An empty page may have one, too.
    pub next_token: Option<String>,
}

/// Gives `take` the items of all pages of `action`. `fetch` reads the page of a token.
///
/// # Errors
/// If `fetch` or `take` fails, a page has no list, or there are more than `MOST_PAGES` pages. `take` has then received only a
/// part of the items.
pub async fn all_pages<T, F>(
    action: &'static str,
    rate_limit: &RateLimit,
    turn: &Turn,
    mut fetch: impl FnMut(Option<String>) -> F,
    mut take: impl FnMut(T) -> Result<(), SourceError>,
) -> Result<(), SourceError>
where
    F: Future<Output = Result<Page<T>, SourceError>>,
{
    let mut token = None;
    for _ in 0..MOST_PAGES {
        let _permit = rate_limit.take(turn).await;
        let Page { items, next_token } = fetch(token).await?;
        required(items, action, "list")?.into_iter().try_for_each(&mut take)?;
        token = next_token.filter(|next| !next.is_empty());
        if token.is_none() {
            return Ok(());
        }
    }
    let message = format!("{action} returned more pages than an account can have");
    Err(SourceError::asked(SourceErrorKind::ServiceError, action, message))
}
