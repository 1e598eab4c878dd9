//! The body of a reply: whole, or half of it and then an error.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

pub struct ReplyBody {
    data: Option<Bytes>,
    /// The Content-Length in the headers.
    length: u64,
    /// The timer after which the body fails. By then the data is on the wire.
    breaks: Option<Pin<Box<Sleep>>>,
}

impl ReplyBody {
    /// Long enough for hyper to send the data.
    const BEFORE_THE_BREAK: Duration = Duration::from_millis(20);

    pub fn whole(data: Bytes) -> Self {
        Self { length: data.len() as u64, data: Some(data), breaks: None }
    }

    pub fn half(data: Bytes) -> Self {
        let length = data.len() as u64;
        let half = data.slice(..data.len() / 2);
        Self { length: length.max(1), data: Some(half), breaks: Some(Box::pin(sleep(Self::BEFORE_THE_BREAK))) }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(data) = self.data.take().filter(|data| !data.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match &mut self.breaks {
            None => Poll::Ready(None),
            Some(breaks) => breaks.as_mut().poll(context).map(|()| Some(Err(io::ErrorKind::ConnectionReset.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.breaks.is_none() && self.data.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
