//! The HTTP/1.1 server, with optional TLS, and the connection failures that faults cause.

mod body;
mod tls;
mod wire;

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::control::control;
use crate::dispatch::{Shared, dispatch};
use crate::reply::{Delivery, Reply};
use crate::request::Request;
use body::ReplyBody;
pub(crate) use tls::acceptor;
use wire::{Cut, Wire};

/// Serves until the future is dropped. All connections end with it.
pub(crate) async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Shared) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(connections.spawn(connection(stream, tls.clone(), shared.clone()))),
            // Most likely there are no free file descriptors. Wait until other connections are closed.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, shared: Shared) {
    let _ = stream.set_nodelay(true);
    let cut = Cut::default();
    let wire = Wire::new(stream, cut.clone());
    match tls {
        None => exchanges(wire, cut, shared).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(wire).await {
                exchanges(stream, cut, shared).await;
            }
        }
    }
}

async fn exchanges(stream: impl AsyncRead + AsyncWrite + Unpin, cut: Cut, shared: Shared) {
    let io = TokioIo::new(stream);
    let service = service_fn(|request| exchange(request, &shared, &cut));
    let mut http = http1::Builder::new();
    // A client that disconnects early is not an error of the simulator.
    let _ = http.timer(TokioTimer::new()).serve_connection(io, service).await;
}

/// Answers one request. An error makes hyper drop the connection without a reply.
async fn exchange(request: hyper::Request<Incoming>, shared: &Shared, cut: &Cut) -> io::Result<Response<ReplyBody>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let request = Request::new(parts, body);
    let delivery = match control(&request, shared) {
        Some(reply) => Delivery::Whole(reply),
        None => dispatch(request, shared).await,
    };
    match delivery {
        Delivery::Whole(reply) => Ok(response(reply, ReplyBody::whole)),
        Delivery::CutMidBody(reply) => {
            cut.on_close();
            Ok(response(reply, ReplyBody::half))
        }
        Delivery::Reset => {
            cut.on_close();
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
}

/// The reply as an HTTP response.
pub(crate) fn response<B>(reply: Reply, body: impl FnOnce(bytes::Bytes) -> B) -> Response<B> {
    let mut response = Response::new(body(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}
