//! What a reply states, read without the SDK. A reply that is not whole, or whose form is not AWS's, states nothing.

use super::memory_http::Reply;
use super::xml::{Node, read};
use serde_json::Value;

/// Whether this is one of `known`, a success, and unchanged.
pub fn is_own(reply: &Reply, known: &[(u16, &str)]) -> bool {
    let is_same = |(status, body): &(u16, &str)| (*status, body.as_bytes()) == (reply.status, &reply.body[..]);
    reply.status == 200 && reply.headers.is_empty() && known.iter().any(is_same)
}

/// The root of a success.
pub fn success(reply: &Reply, root: &str) -> Option<Node> {
    let node = (200..300).contains(&reply.status).then(|| read(&reply.body))??;
    (node.name == root).then_some(node)
}

/// The entries of the list at `path` in a success, and whether another page follows.
pub fn list(reply: &Reply, root: &str, path: &[&str], token: &str) -> Option<(Vec<Node>, bool)> {
    let node = success(reply, root)?;
    let (list, parents) = path.split_last()?;
    // As in the SDK, the result is the first element.
    let parent =
        parents.iter().try_fold(&node, |node, name| node.children.first().filter(|child| child.name == *name))?;
    let entry = if root == "DescribeImagesResponse" { "item" } else { "member" };
    let entries = parent.child(list)?.children.iter().filter(|child| child.name == entry).cloned().collect();
    Some((entries, parent.child(token).is_some_and(|token| !token.text.is_empty())))
}

/// Whether CloudFormation says that there is no such thing, with a sentence that begins with `subject`.
pub fn is_missing(reply: &Reply, subject: &str) -> bool {
    let Some(root) = (400..500).contains(&reply.status).then(|| read(&reply.body)).flatten() else { return false };
    let texts =
        |name: &str| root.all().into_iter().filter(|node| node.name == name).map(|node| node.text.clone()).collect();
    let (codes, messages): (Vec<String>, Vec<String>) = (texts("Code"), texts("Message"));
    root.name == "ErrorResponse"
        && codes.iter().any(|code| code == "ValidationError")
        && messages.iter().any(|message| message.starts_with(subject) && message.contains(" does not exist"))
}

/// Reads JSON, in which each number that has a sign, a point, an exponent or many digits counts as -1: serde_json refuses those that
/// no `f64` holds.
fn value(text: &[u8]) -> Option<Value> {
    let (mut in_text, mut is_escaped) = (false, false);
    let (mut plain, mut number) = (Vec::with_capacity(text.len()), Vec::new());
    // The space ends the last number.
    for &byte in text.iter().chain(b" ") {
        let goes_on = matches!(byte, b'.' | b'e' | b'E' | b'+') && !number.is_empty();
        if !in_text && (matches!(byte, b'0'..=b'9' | b'-') || goes_on) {
            number.push(byte);
            continue;
        }
        let is_plain = number.len() <= MOST_DIGITS && number.iter().all(u8::is_ascii_digit);
        plain.extend_from_slice(if is_plain { &number } else { b"-1" });
        plain.push(byte);
        number.clear();
        in_text ^= byte == b'"' && !is_escaped;
        is_escaped = in_text && byte == b'\\' && !is_escaped;
    }
    serde_json::from_slice(&plain).ok()
}

/// The digits of a time in milliseconds, at most.
const MOST_DIGITS: usize = 13;

/// The body of a success in JSON.
pub fn json(reply: &Reply) -> Option<Value> {
    (200..300).contains(&reply.status).then(|| value(&reply.body))?
}

/// The image in Image Builder's success.
pub fn image(reply: &Reply) -> Option<Value> {
    json(reply)?.get("image").filter(|image| image.is_object()).cloned()
}

/// Whether Image Builder or CloudWatch says with its error code that there is no such thing.
pub fn is_unknown(reply: &Reply) -> bool {
    let in_header = reply.headers.iter().find(|(name, _)| name == "x-amzn-errortype").map(|(_, value)| value.clone());
    let body = value(&reply.body);
    let in_body = || ["code", "__type"].iter().find_map(|name| Some(body.as_ref()?.get(name)?.as_str()?.to_owned()));
    // `aws.protocol#Name:http://…`
    let name = |code: String| code.split(':').next().and_then(|name| name.rsplit('#').next()).map(str::to_owned);
    let code = in_header.or_else(in_body).and_then(name);
    (400..500).contains(&reply.status) && code.as_deref() == Some("ResourceNotFoundException")
}

#[test]
fn a_number_may_be_any() {
    let text = br#"{"1e5\"2": [-4.37e+603, 7, "3e9\\"], "b": 1}"#;
    assert_eq!(value(text), Some(serde_json::json!({"1e5\"2": [-1, 7, "3e9\\"], "b": 1})));
    assert_eq!((value(b"[1 2]"), value(b"12")), (None, Some(12.into())));
}
