//! Replies of chance: AWS's own ones, changed ones, those of gateways, any bytes, and sometimes very large or deep ones.

use super::memory_http::Reply;
use super::xml::{Node, read};
use crate::tests::json::{Change, any_change, changed};
use crate::tests::text::{Edit, any_edit, any_text, edited};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

/// What gateways, proxies and broken servers answer instead of AWS.
pub const FOREIGN: [(u16, &str); 12] = [
    (200, ""),
    (204, ""),
    (200, "<html><body>Please log in</body></html>"),
    (200, "<!DOCTYPE html><html><body><br></body></html>"),
    (200, "ok"),
    (200, "{}"),
    (200, "null"),
    (404, ""),
    (404, "<html><head><title>404 Not Found</title></head></html>"),
    (404, r#"{"message":"no Route matched with those values"}"#),
    (502, "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<hr>"),
    (503, "upstream connect error or disconnect/reset before headers"),
];

const STATUSES: [u16; 20] =
    [100, 200, 201, 204, 206, 299, 301, 304, 400, 401, 403, 404, 408, 409, 429, 500, 502, 503, 504, 599];

const HEADERS: [(&str, &str); 12] = [
    ("content-type", "text/xml;charset=UTF-8"),
    ("content-type", "application/json"),
    ("content-encoding", "gzip"),
    ("content-length", "3"),
    ("transfer-encoding", "chunked"),
    ("x-amzn-requestid", "r"),
    ("x-amzn-errortype", "ResourceNotFoundException:http://internal.amazon.com/coral/"),
    ("x-amzn-errortype", "ServiceException"),
    ("retry-after", "99999999999999999999"),
    ("x-amz-retry-after", "1"),
    ("date", "Tue, 24 Nov 2026 10:20:00 GMT"),
    ("location", "https://example.com/"),
];

/// A change of an element.
#[derive(Clone, Debug)]
enum Turned {
    Removed(Index),
    Doubled(Index),
    Text(Index, String),
}

fn any_turned() -> impl Strategy<Value = Turned> {
    prop_oneof![
        any::<Index>().prop_map(Turned::Removed),
        any::<Index>().prop_map(Turned::Doubled),
        (any::<Index>(), any_text()).prop_map(|(at, text)| Turned::Text(at, text)),
    ]
}

/// One of `known`, changed or not; or a reply of another server, or any bytes.
pub fn any_reply(known: &'static [(u16, &'static str)]) -> BoxedStrategy<Reply> {
    let of_aws = (
        proptest::sample::select(known),
        proptest::collection::vec(any_turned(), 0..3),
        proptest::collection::vec(any_change(&["image", "state", "status", "message", "code"]), 0..3),
        proptest::collection::vec(any_edit(), 0..3),
    );
    let of_aws =
        of_aws.prop_map(|((status, text), turned, changes, edits)| (status, body(text, &turned, &changes, &edits)));
    let foreign = (proptest::sample::select(FOREIGN.as_slice()), proptest::collection::vec(any_edit(), 0..2));
    let foreign = foreign.prop_map(|((status, text), edits)| (status, edited(text.into(), &edits)));
    let bytes = (proptest::sample::select(STATUSES.as_slice()), proptest::collection::vec(any::<u8>(), 0..200));
    let status = proptest::option::weighted(0.15, proptest::sample::select(STATUSES.as_slice()));
    let headers = proptest::collection::vec(any_header(), 0..3);
    (prop_oneof![300 => of_aws, 60 => foreign, 30 => bytes, 1 => any_bomb()], status, headers)
        .prop_map(|((own, body), status, headers)| Reply { status: status.unwrap_or(own), headers, body })
        .boxed()
}

/// Where a piece comes again and again: the text before it, the piece, and the texts after each and after all of them.
const BOMBS: [[&str; 4]; 8] = [
    ["<DescribeImagesResponse><imagesSet>", "<item/>", "", "</imagesSet></DescribeImagesResponse>"],
    ["<DescribeImagesResponse>", "<a>", "</a>", "<imagesSet/></DescribeImagesResponse>"],
    ["<DescribeImagesResponse><imagesSet/><requestId>", "xxxxxxxxx", "", "</requestId></DescribeImagesResponse>"],
    [
        "<DescribeStacksResponse><DescribeStacksResult><Stacks>",
        "<member/>",
        "",
        "</Stacks></DescribeStacksResult></DescribeStacksResponse>",
    ],
    ["{\"image\":", "[", "]", "}"],
    ["{\"image\":{\"state\":{\"reason\":\"", "xxxxxxxxx", "", "\"}}}"],
    ["{\"events\":[{}", ",{}", "", "]}"],
    ["<html>", "<p>", "", "</html>"],
];

/// A reply of up to some megabytes.
fn any_bomb() -> impl Strategy<Value = (u16, Vec<u8>)> {
    let times = prop_oneof![100..400_usize, 400..20_000_usize, 20_000..1_200_000_usize];
    (proptest::sample::select(BOMBS.as_slice()), times).prop_map(|([before, piece, after, end], times)| {
        (200, [before, &piece.repeat(times), &after.repeat(times), end].concat().into_bytes())
    })
}

fn any_header() -> impl Strategy<Value = (String, String)> {
    let known =
        proptest::sample::select(HEADERS.as_slice()).prop_map(|(name, value)| (name.to_owned(), value.to_owned()));
    prop_oneof![4 => known, 1 => ("[a-z-]{1,12}", any_text())]
}

fn body(text: &str, turned: &[Turned], changes: &[Change], edits: &[Edit]) -> Vec<u8> {
    let bytes = match (read(text.as_bytes()), serde_json::from_str::<Value>(text)) {
        (Some(root), _) if !turned.is_empty() => after(root, turned).write().into_bytes(),
        (_, Ok(value)) if !changes.is_empty() => changed(value, changes).to_string().into_bytes(),
        _ => text.as_bytes().to_vec(),
    };
    edited(bytes, edits)
}

fn after(mut root: Node, turned: &[Turned]) -> Node {
    for turn in turned {
        let (Turned::Removed(index) | Turned::Doubled(index) | Turned::Text(index, _)) = turn;
        let at = index.index(root.all().len());
        change(&mut root, &mut { at }, turn);
    }
    root
}

/// Changes the element that is `at` places further, in the order of the text.
fn change(node: &mut Node, at: &mut usize, turn: &Turned) {
    for place in 0..node.children.len() {
        if *at == 0 {
            match turn {
                Turned::Removed(_) => {
                    node.children.remove(place);
                }
                Turned::Doubled(_) => node.children.insert(place, node.children[place].clone()),
                Turned::Text(_, text) => node.children[place].text.clone_from(text),
            }
            *at = usize::MAX;
            return;
        }
        *at -= 1;
        change(&mut node.children[place], at, turn);
        if *at == usize::MAX {
            return;
        }
    }
}
