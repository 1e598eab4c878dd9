//! The paths of the interface. Each parameter is looked at in the order of the official program's server, so that a request
//! with several errors gets the same answer from both.

use super::image_api::ImageApi;
use super::query::{Query, image_id};
use super::reply::{Failure, answer, refusal, unread};
use crate::describe_image::ApiError;
use crate::describe_image::image_logs::{LogEvents, LogPart, LogStreams, StackEvents};
use crate::describe_image::list_images::{StatusFilter, page_of_stacks};
use crate::describe_image::response::{DescribeImageResponse, ListImagesResponse};
use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::routing::get;
use std::sync::Arc;

const UNKNOWN_PATH: &str = "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.";
const WRONG_METHOD: &str = "The method is not allowed for the requested URL.";

/// The interface over `api`.
pub fn router<A: ImageApi>(api: Arc<A>) -> Router {
    Router::new()
        .route("/v3/images/custom", get(async |State(api), query| answer(list::<A>(api, query).await)))
        .route("/v3/images/custom/{id}", get(async |State(api), id, query| answer(describe::<A>(api, id, query).await)))
        .route(
            "/v3/images/custom/{id}/logstreams",
            get(async |State(api), id, query| answer(log_streams::<A>(api, id, query).await)),
        )
        .route(
            "/v3/images/custom/{id}/logstreams/{stream}",
            get(async |State(api), path, query| answer(log_events::<A>(api, path, query).await)),
        )
        .route(
            "/v3/images/custom/{id}/stackevents",
            get(async |State(api), id, query| answer(stack_events::<A>(api, id, query).await)),
        )
        .method_not_allowed_fallback(async || refusal(StatusCode::METHOD_NOT_ALLOWED, WRONG_METHOD))
        .fallback(async || refusal(StatusCode::NOT_FOUND, UNKNOWN_PATH))
        .with_state(api)
}

/// A part of the path. It is a rejection if its percent-encoding is not of UTF-8.
type Part<T> = Result<Path<T>, PathRejection>;

fn decoded<T>(part: Part<T>) -> Result<T, ApiError> {
    part.map(|Path(part)| part).map_err(|rejection| ApiError::bad_request(rejection.body_text()))
}

async fn list<A: ImageApi>(api: Arc<A>, RawQuery(query): RawQuery) -> Result<ListImagesResponse, Failure> {
    let query = Query::parse(query.as_deref());
    let filter = query.image_status()?;
    let scope = api.scope(query.region())?;
    if filter == StatusFilter::Available {
        return api.available_images(&scope).await.map_err(|error| unread(error, ""));
    }
    let (stacks, next_token) = api.stacks(&scope, query.token()).await.map_err(|error| unread(error, ""))?;
    Ok(ListImagesResponse { next_token, images: page_of_stacks(&stacks, filter, &scope.region) })
}

async fn describe<A: ImageApi>(
    api: Arc<A>,
    id: Part<String>,
    RawQuery(query): RawQuery,
) -> Result<DescribeImageResponse, Failure> {
    let query = Query::parse(query.as_deref());
    let id = image_id(&decoded(id)?)?;
    api.describe(&api.scope(query.region())?, &id).await
}

async fn log_streams<A: ImageApi>(
    api: Arc<A>,
    id: Part<String>,
    RawQuery(query): RawQuery,
) -> Result<LogStreams, Failure> {
    let query = Query::parse(query.as_deref());
    let id = image_id(&decoded(id)?)?;
    let scope = api.scope(query.region())?;
    let streams = api.log_streams(&scope, &id, query.token()).await;
    let streams = streams.map_err(|error| unread(error, "Unexpected error when retrieving image's logs: "))?;
    streams.ok_or_else(|| ApiError::no_logs(&id).into())
}

async fn log_events<A: ImageApi>(
    api: Arc<A>,
    path: Part<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<LogEvents, Failure> {
    let query = Query::parse(query.as_deref());
    let types = query.log_types()?;
    let (id, stream) = decoded(path)?;
    let id = image_id(&id)?;
    let scope = api.scope(query.region())?;
    let part = api.log_events(&scope, &id, &stream, &query.log(types)?).await;
    match part.map_err(|error| unread(error, "Unexpected error when retrieving log events: "))? {
        LogPart::Events(events) => Ok(events),
        LogPart::NoGroup => Err(ApiError::no_logs(&id).into()),
        LogPart::NoStream => {
            Err(ApiError { status: 404, message: format!("The specified log stream {stream} does not exist.") }.into())
        }
    }
}

async fn stack_events<A: ImageApi>(
    api: Arc<A>,
    id: Part<String>,
    RawQuery(query): RawQuery,
) -> Result<StackEvents, Failure> {
    let query = Query::parse(query.as_deref());
    let id = image_id(&decoded(id)?)?;
    let scope = api.scope(query.region())?;
    let events = api.stack_events(&scope, &id, query.token()).await.map_err(|error| unread(error, ""))?;
    events.ok_or_else(|| ApiError::no_stack(&id).into())
}
