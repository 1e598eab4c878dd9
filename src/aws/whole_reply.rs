//! The HTTP client that passes on only complete replies. The SDK's XML parsers read a truncated reply as a shorter
//! list, so images would seem absent. Therefore each reply is read to its end and checked first. A truncated one counts
//! as a broken connection, which the SDK retries. The client also reports why a proxy or a credentials agent refused.

use super::reply_bytes::{ReplyBytes, Unread};
use super::well_formed;
use crate::proxy::Proxy;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use parking_lot::Mutex;
use std::sync::Arc;

/// An HTTP client that passes on only complete replies.
#[derive(Clone, Debug)]
pub struct WholeReplies {
    pub proxied: SharedHttpClient,
    /// For the metadata and credentials endpoints of this machine. A proxy must never see their replies.
    pub direct: SharedHttpClient,
    pub refusals: Refusals,
    pub reply_bytes: ReplyBytes,
}

/// The error that a credentials agent of this machine, or the instance metadata, answered. The SDK keeps at most the
/// status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub url: String,
    pub status: u16,
    /// The message in one line, cut to `MOST_WORDS` characters.
    pub words: String,
}

/// The latest refusal, if no success came after it.
#[derive(Clone, Debug, Default)]
pub struct Refusals(Arc<Mutex<Option<Refusal>>>);

impl Refusals {
    pub fn take(&self) -> Option<Refusal> {
        self.0.lock().take()
    }

    /// Records a reply. A success clears the refusal before it.
    fn note(&self, url: &str, status: u16, body: &[u8]) {
        let refusal = (status >= 400).then(|| Refusal {
            url: url.split('?').next().unwrap_or_default().to_owned(),
            status,
            words: words(body),
        });
        *self.0.lock() = refusal;
    }
}

/// The most characters of a refusal's message that are kept.
const MOST_WORDS: usize = 300;

/// The `message` of a JSON body, else the text. Empty for HTML.
fn words(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let json = serde_json::from_str::<serde_json::Value>(&text).ok();
    let message = json.as_ref().and_then(|json| json.get("message").or_else(|| json.get("Message"))?.as_str());
    let is_markup = text.trim_start().starts_with('<');
    let said = message.unwrap_or(if is_markup { "" } else { &text });
    let plain: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_WORDS).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl WholeReplies {
    /// Over one client for all replies, whatever carries them.
    #[must_use]
    pub fn over(client: SharedHttpClient) -> Self {
        let (refusals, reply_bytes) = (Refusals::default(), ReplyBytes::default());
        Self { direct: client.clone(), proxied: client, refusals, reply_bytes }
    }
}

impl HttpClient for WholeReplies {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            proxied: self.proxied.http_connector(settings, components),
            direct: self.direct.http_connector(settings, components),
            refusals: self.refusals.clone(),
            reply_bytes: self.reply_bytes.clone(),
        })
    }
}

#[derive(Debug)]
struct Connector {
    proxied: SharedHttpConnector,
    direct: SharedHttpConnector,
    refusals: Refusals,
    reply_bytes: ReplyBytes,
}

#[derive(Debug, thiserror::Error)]
#[error("the reply is cut short")]
struct CutShort;

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let is_head = request.method() == "HEAD";
        let url = request.uri().to_owned();
        let is_of_agent = is_agent(&url);
        let connector = if is_of_agent { &self.direct } else { &self.proxied };
        let (refusals, reply_bytes) = (self.refusals.clone(), self.reply_bytes.clone());
        let reply = connector.call(request);
        HttpConnectorFuture::new(async move {
            let reply = reply.await;
            let is_good = reply.as_ref().is_ok_and(|reply| reply.status().is_success());
            let proxy = if is_good || is_of_agent { None } else { proxy_of(&url) };
            let mut reply = match (reply, proxy) {
                (Err(error), Some((proxy, destination))) => return Err(words_of(&proxy, &destination, error).await),
                (Ok(reply), Some((proxy, destination))) if is_the_proxys(&reply, &destination) => {
                    let status = reply.status().as_u16().to_string();
                    return Err(ConnectorError::io(proxy.answered(&destination, &status).into()));
                }
                (reply, _) => reply?,
            };
            if is_head {
                return Ok(reply);
            }
            let body = std::mem::replace(reply.body_mut(), SdkBody::empty());
            let (bytes, room) = reply_bytes.read(body).await.map_err(unread)?;
            // The room ends with the reply, after the SDK has parsed it.
            reply.add_extension(Arc::new(room));
            if is_of_agent {
                refusals.note(&url, reply.status().as_u16(), &bytes);
            }
            check(&bytes, reply.status().is_success())?;
            *reply.body_mut() = SdkBody::from(bytes);
            Ok(reply)
        })
    }
}

fn unread(error: Box<dyn std::error::Error + Send + Sync>) -> ConnectorError {
    // Another attempt would be too large as well.
    let is_final = error.downcast_ref::<Unread>() == Some(&Unread::TooLarge);
    if is_final { ConnectorError::other(error, None) } else { ConnectorError::io(error) }
}

/// Whether the URL is of the instance metadata or a credentials agent on this machine. A proxy must not see their
/// requests and replies.
fn is_agent(url: &str) -> bool {
    let named = ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_EC2_METADATA_SERVICE_ENDPOINT"];
    let is_named = |name: &str| std::env::var(name).is_ok_and(|uri| !uri.is_empty() && url.starts_with(&uri));
    is_of_this_machine(url) || named.into_iter().any(is_named)
}

fn proxy_of(url: &str) -> Option<(Proxy, http::Uri)> {
    let destination = url.parse().ok()?;
    Some((Proxy::of_environment(&destination)?, destination))
}

/// Whether the proxy itself sent this reply. It can only over plain HTTP, where there is no tunnel. A service's reply
/// has a request id.
fn is_the_proxys(reply: &HttpResponse, destination: &http::Uri) -> bool {
    let has_id = ["x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id"]
        .iter()
        .any(|id| reply.headers().get(*id).is_some());
    destination.scheme_str() == Some("http") && matches!(reply.status().as_u16(), 403 | 407 | 502..=504) && !has_id
}

/// Asks the proxy why the connection failed. Returns `error` if the proxy does not refuse.
async fn words_of(proxy: &Proxy, destination: &http::Uri, error: ConnectorError) -> ConnectorError {
    match proxy.refusal(destination).await {
        Some(refused) => ConnectorError::io(refused.into()),
        None => error,
    }
}

/// Whether the host is a link-local address of the instance metadata, ECS or EKS Pod Identity.
fn is_of_this_machine(uri: &str) -> bool {
    let host = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    host.starts_with("169.254.") || host.starts_with("[fd00:ec2:")
}

/// Checks that the body is complete. Another attempt may bring the rest of a truncated one. What is wrong inside stays wrong.
pub(super) fn check(body: &[u8], is_success: bool) -> Result<(), ConnectorError> {
    let text = trimmed(body);
    if !is_whole(text, is_success) {
        return Err(ConnectorError::io(CutShort.into()));
    }
    let is_xml = text.first() == Some(&b'<') && (is_success || !is_html(text));
    let checked = if is_xml { well_formed::check(text) } else { well_formed::check_json(text) };
    checked.map_err(|bad| ConnectorError::other(bad.into(), None))
}

/// The body without a byte order mark and the space around it.
fn trimmed(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii()
}

/// Whether the body is complete. XML must end with the end tag of its first element, and JSON must parse. Only an error
/// may have no body.
fn is_whole(body: &[u8], is_success: bool) -> bool {
    let text = trimmed(body);
    match text.first() {
        None => !is_success,
        // A gateway's error page, not a service's reply. HTML does not need end tags.
        Some(b'<') if !is_success && is_html(text) => true,
        Some(b'<') => root_name(text).is_some_and(|root| ends_with_tag(text, root)),
        // As text, because serde does not look into the texts that it ignores.
        Some(b'{') => {
            std::str::from_utf8(text).is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
        }
        Some(_) => true,
    }
}

fn is_html(text: &[u8]) -> bool {
    let begin = text.get(..9).unwrap_or(text).to_ascii_lowercase();
    begin.starts_with(b"<html") || begin.starts_with(b"<!doctype")
}

/// The name of the first element, after the declaration and comments.
fn root_name(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        text = text.trim_ascii_start().strip_prefix(b"<")?;
        let prolog_end: &[u8] = match text {
            [b'?', ..] => b"?>",
            [b'!', b'-', b'-', ..] => b"-->",
            [b'!', ..] => b">",
            _ => break,
        };
        let at = text.windows(prolog_end.len()).position(|window| window == prolog_end)?;
        text = text.get(at + prolog_end.len()..)?;
    }
    let end = text.iter().position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'))?;
    text.get(..end).filter(|name| !name.is_empty())
}

/// Whether the text ends with `</root>`, or is one empty element.
fn ends_with_tag(text: &[u8], root: &[u8]) -> bool {
    let Some(inner) = text.strip_suffix(b">") else { return false };
    if let Some(before) = inner.trim_ascii_end().strip_suffix(root) {
        return before.ends_with(b"</");
    }
    let is_one_element = text.iter().filter(|byte| **byte == b'<').count() == 1;
    inner.ends_with(b"/") && is_one_element
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REPLY: &str = r#"<?xml version="1.0"?><!-- a > b --><R xmlns="u"><Stacks><R2>x</R2></Stacks><R3/></R>"#;

    #[test]
    fn a_complete_reply_passes_and_every_truncated_one_does_not() {
        assert!(is_whole(REPLY.as_bytes(), true));
        assert!(is_whole(format!("{REPLY}\n").as_bytes(), true));
        for length in 0..REPLY.len() {
            assert!(!is_whole(&REPLY.as_bytes()[..length], true), "{}", &REPLY[..length]);
        }
        let json = r#"{"image":{"state":{"status":"BUILDING"}}}"#;
        assert!(is_whole(json.as_bytes(), true));
        for length in 0..json.len() {
            assert!(!is_whole(&json.as_bytes()[..length], true), "{}", &json[..length]);
        }
    }

    #[test]
    fn only_an_error_may_have_no_body() {
        assert!(!is_whole(b"", true));
        assert!(is_whole(b"", false));
        assert!(is_whole(b"<Empty/>", true));
        assert!(is_whole(b"<HTML><body>denied by proxy<hr>", false));
        assert!(!is_whole(b"<html><body>welcome", true));
        assert!(!is_whole(b"\xEF\xBB\xBF<R><Stacks>", true), "also after a byte order mark");
        assert!(!is_whole(b"{\"a\":\"\xff\"}", true), "JSON is text");
        assert!(is_whole(b"eu-west-1", true), "the metadata service answers in plain text");
    }

    #[test]
    fn endpoints_of_this_machine_are_recognized() {
        for uri in ["http://169.254.169.254/latest", "http://169.254.170.23/v1/credentials", "http://[fd00:ec2::23]/v1"]
        {
            assert!(is_of_this_machine(uri), "{uri}");
        }
        assert!(!is_of_this_machine("https://ec2.eu-west-1.amazonaws.com/"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64), success: bool) {
            let _ = is_whole(&bytes, success);
        }
    }
}
