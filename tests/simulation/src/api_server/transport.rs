//! Carries requests from a client to the server, and replies back, as the link decides.

use super::link::{Asked, Fate, Link};
use super::refusal::Refusal;
use super::request::{Target, query_of};
use super::verbs::Answer;
use super::{ApiServer, BoxError};
use bytes::Bytes;
use customimage_operator::kubernetes::client::SILENCE;
use http::request::Parts;
use http::{Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use kube::client::Body;
use std::io;
use std::sync::Arc;
use tokio::time::sleep;

type Reply = Response<UnsyncBoxBody<Bytes, BoxError>>;

/// The way of one client to the server.
#[derive(Clone)]
pub(super) struct Transport {
    server: ApiServer,
    client: Arc<str>,
    link: Arc<dyn Link>,
}

impl Transport {
    pub(super) fn new(server: ApiServer, client: &str, link: Arc<dyn Link>) -> Self {
        Self { server, client: client.into(), link }
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Result<Reply, BoxError> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes().to_vec();
        match self.link.request(&self.asked(&parts)) {
            Fate::Answer => self.done(&parts, body),
            Fate::Slow { before, after } => {
                let transport = self.clone();
                // A task of its own: the request is done even if the client does not wait for it.
                let doing = tokio::spawn(async move {
                    sleep(before).await;
                    transport.done(&parts, body)
                });
                let reply = doing.await?;
                sleep(after).await;
                reply
            }
            Fate::Refuse { code, retry_after } => refused(&Refusal::ordered(code, retry_after)),
            Fate::Unreachable => Err(io::Error::from(io::ErrorKind::ConnectionRefused).into()),
            Fate::LostReply => {
                drop(self.done(&parts, body));
                Err(io::Error::from(io::ErrorKind::ConnectionReset).into())
            }
            Fate::Hangs => {
                drop(self.done(&parts, body));
                silence().await
            }
            Fate::Swallowed => silence().await,
        }
    }

    fn asked(&self, parts: &Parts) -> Asked {
        let query = query_of(parts);
        Asked {
            client: self.client.to_string(),
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            is_watch: query.get("watch").is_some_and(|watch| watch == "true"),
            query,
        }
    }

    fn done(&self, parts: &Parts, body: Vec<u8>) -> Result<Reply, BoxError> {
        let answer = match Target::read(parts, body) {
            Ok(target) => self.server.answer(&self.client, &self.link, target),
            Err(refusal) => Answer::Refused(refusal),
        };
        match answer {
            Answer::Json(code, value) => json(code, value.to_string()),
            Answer::Refused(refusal) => refused(&refusal),
            Answer::Watch(watch) => {
                let body = StreamBody::new(watch.into_frames());
                let reply = Response::builder().header(header::CONTENT_TYPE, "application/json");
                Ok(reply.body(UnsyncBoxBody::new(body))?)
            }
        }
    }
}

/// A connection on which nothing comes. The operator's client gives it up after a while.
async fn silence() -> Result<Reply, BoxError> {
    sleep(SILENCE).await;
    Err(io::Error::from(io::ErrorKind::TimedOut).into())
}

fn refused(refusal: &Refusal) -> Result<Reply, BoxError> {
    if !refusal.is_plain {
        return json(refusal.code, refusal.status().to_string());
    }
    let reply = Response::builder().status(refusal.code).header(header::CONTENT_TYPE, "text/plain; charset=utf-8");
    let reply =
        refusal.retry_after.into_iter().fold(reply, |reply, seconds| reply.header(header::RETRY_AFTER, seconds));
    Ok(reply.body(whole(refusal.message.clone()))?)
}

fn json(code: u16, text: String) -> Result<Reply, BoxError> {
    let reply =
        Response::builder().status(StatusCode::from_u16(code)?).header(header::CONTENT_TYPE, "application/json");
    Ok(reply.body(whole(text))?)
}

fn whole(text: String) -> UnsyncBoxBody<Bytes, BoxError> {
    Full::from(text).map_err(|never| match never {}).boxed_unsync()
}
