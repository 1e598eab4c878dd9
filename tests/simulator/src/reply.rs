//! A reply, and how it is delivered: whole, or broken by a fault.

use bytes::Bytes;

#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
    /// The AWS error code, for the call log.
    pub error_code: Option<String>,
}

/// How a reply is delivered.
#[derive(Debug)]
pub(crate) enum Delivery {
    Whole(Reply),
    /// Headers with the length of the whole body, then half of the body, then a reset.
    CutMidBody(Reply),
    /// A reset instead of a reply.
    Reset,
}

impl Reply {
    pub fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self { status, headers, body: body.into(), error_code: None }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), error_code: None }
    }

    pub fn xml(status: u16, body: String) -> Self {
        if body.is_empty() { Self::empty(status) } else { Self::new(status, "text/xml;charset=UTF-8", body) }
    }

    pub fn json(status: u16, body: String) -> Self {
        Self::new(status, "application/json", body)
    }

    /// The content type of AWS's JSON 1.1 protocol.
    pub fn amz_json(status: u16, body: String) -> Self {
        Self::new(status, "application/x-amz-json-1.1", body)
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Keeps the first `percent` percent of the body's bytes.
    pub fn cut(mut self, percent: u8) -> Self {
        let length = self.body.len() * usize::from(percent.min(100)) / 100;
        self.body.truncate(length);
        self
    }
}
