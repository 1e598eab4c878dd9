//! The paths of the interface. Each parameter is looked at in the order of the official program's server, so that a request
//! with several errors gets the same answer from both.

use super::image_api::ImageApi;
use super::operation::Operation;
use super::query::{Query, image_id};
use super::reply::{Aged, Failure, answer, refusal, unread, with_age};
use crate::describe_image::image_build_log::{self, ImageBuildLog};
use crate::describe_image::image_logs::{LogEvents, LogPart, LogStreams, StackEvents};
use crate::describe_image::list_images::{StatusFilter, page_of_stacks};
use crate::describe_image::response::{DescribeImageResponse, ListImagesResponse};
use crate::describe_image::source::StorySource;
use crate::describe_image::{ApiError, ImageId, Scope};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Extension, Router};
use std::sync::Arc;

const UNKNOWN_PATH: &str = "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.";
const WRONG_METHOD: &str = "The method is not allowed for the requested URL.";

/// The interface. Each request needs the extension `Arc<A>`: who answers its caller.
pub fn router<A: ImageApi>() -> Router {
    type Api<A> = Extension<Arc<A>>;
    let list = get(async |Extension(api): Api<A>, query| with_age(list(&*api, query).await));
    let describe = get(async |Extension(api): Api<A>, id, query| with_age(describe(&*api, id, query).await));
    let streams = get(async |Extension(api): Api<A>, id, query| answer(log_streams(&*api, id, query).await));
    let log = get(async |Extension(api): Api<A>, path, query| answer(log_events(&*api, path, query).await));
    let events = get(async |Extension(api): Api<A>, id, query| answer(stack_events(&*api, id, query).await));
    Router::new()
        .route(Operation::ListImages.path(), list)
        .route(Operation::DescribeImage.path(), describe)
        .route(Operation::ListImageLogStreams.path(), streams)
        .route(Operation::GetImageLogEvents.path(), log)
        .route(Operation::GetImageStackEvents.path(), events)
        .method_not_allowed_fallback(async || refusal(StatusCode::METHOD_NOT_ALLOWED, WRONG_METHOD))
        .fallback(unknown_path)
}

/// The answer to a path that is none of the interface.
pub async fn unknown_path() -> axum::response::Response {
    refusal(StatusCode::NOT_FOUND, UNKNOWN_PATH)
}

/// A part of the path. It is a rejection if its percent-encoding is not of UTF-8.
type Part<T> = Result<Path<T>, PathRejection>;

fn decoded<T>(part: Part<T>) -> Result<T, ApiError> {
    part.map(|Path(part)| part).map_err(|rejection| ApiError::bad_request(rejection.body_text()))
}

/// What a request about one image says.
struct Asked {
    id: ImageId,
    scope: Scope,
    query: Query,
}

impl Asked {
    fn of(api: &impl ImageApi, id: &str, query: Query) -> Result<Self, Failure> {
        Ok(Self { id: image_id(id)?, scope: api.scope(query.region())?, query })
    }

    fn of_path(api: &impl ImageApi, id: Part<String>, RawQuery(query): RawQuery) -> Result<Self, Failure> {
        Self::of(api, &decoded(id)?, Query::parse(query.as_deref()))
    }
}

async fn list(api: &impl ImageApi, RawQuery(query): RawQuery) -> Result<Aged<Arc<ListImagesResponse>>, Failure> {
    let query = Query::parse(query.as_deref());
    let filter = query.image_status()?;
    let scope = api.scope(query.region())?;
    if filter == StatusFilter::Available {
        return api.available_images(&scope).await.map_err(|error| unread(error, ""));
    }
    let page = api.source().stacks_page(&scope, query.token(), &api.turn(&scope)).await;
    let (stacks, next_token) = page.map_err(|error| unread(error, ""))?;
    let list = ListImagesResponse { next_token, images: page_of_stacks(&stacks, filter, &scope.region) };
    Ok(Aged { answer: Arc::new(list), age: None })
}

async fn describe(
    api: &impl ImageApi,
    id: Part<String>,
    query: RawQuery,
) -> Result<Aged<DescribeImageResponse>, Failure> {
    let Asked { id, scope, .. } = Asked::of_path(api, id, query)?;
    api.describe(&scope, &id).await
}

async fn log_streams(api: &impl ImageApi, id: Part<String>, query: RawQuery) -> Result<LogStreams, Failure> {
    let Asked { id, scope, query } = Asked::of_path(api, id, query)?;
    let streams = api.source().log_streams(&scope, &id, query.token(), &api.turn(&scope)).await;
    let streams = streams.map_err(|error| unread(error, "Unexpected error when retrieving image's logs: "))?;
    streams.ok_or_else(|| ApiError::no_logs(&id).into())
}

async fn log_events(
    api: &impl ImageApi,
    path: Part<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<LogEvents, Failure> {
    let query = Query::parse(query.as_deref());
    let types = query.log_types()?;
    let (id, stream) = decoded(path)?;
    let Asked { id, scope, query } = Asked::of(api, &id, query)?;
    let log = ImageBuildLog { group: image_build_log::group(id.as_str()), stream };
    let part = api.source().log_events(&scope, &log, &query.log(types)?, &api.turn(&scope)).await;
    match part.map_err(|error| unread(error, "Unexpected error when retrieving log events: "))? {
        LogPart::Events(events) => Ok(events),
        LogPart::NoGroup => Err(ApiError::no_logs(&id).into()),
        LogPart::NoStream => {
            let message = format!("The specified log stream {} does not exist.", log.stream);
            Err(ApiError { status: 404, message }.into())
        }
    }
}

async fn stack_events(api: &impl ImageApi, id: Part<String>, query: RawQuery) -> Result<StackEvents, Failure> {
    let Asked { id, scope, query } = Asked::of_path(api, id, query)?;
    let stack = api.stack(&scope, &id).await.map_err(|error| unread(error, ""))?;
    let events = match &stack {
        Some(stack) => api.source().stack_events(&scope, stack, query.token(), &api.turn(&scope)).await,
        None => Ok(None),
    };
    events.map_err(|error| unread(error, ""))?.ok_or_else(|| ApiError::no_stack(&id).into())
}
