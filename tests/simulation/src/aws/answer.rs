//! What an answer of AWS tells.

use bytes::Bytes;
use http::{Request, Response};
use simulator::Answer;

/// Whether it tells of what there is. That something is missing is an error in AWS's words.
pub fn says_something(answer: &Answer) -> bool {
    let Answer::Whole(reply) = answer else { return false };
    reply.status().is_success() || has(reply, "does not exist") || has(reply, "ResourceNotFoundException")
}

/// Whether it has no token of a next page.
pub fn is_last_page(answer: &Answer) -> bool {
    let Answer::Whole(reply) = answer else { return false };
    !has(reply, "<nextToken>") && !has(reply, "<NextToken>")
}

/// Whether it is a page of a list that has several.
pub fn is_of_pages(request: &Request<Bytes>, answer: &Answer) -> bool {
    contains(request.body(), "NextToken=") || !is_last_page(answer)
}

fn has(reply: &Response<Bytes>, words: &str) -> bool {
    contains(reply.body(), words)
}

fn contains(text: &[u8], words: &str) -> bool {
    text.windows(words.len()).any(|part| part == words.as_bytes())
}

pub fn status_of(answer: &Answer) -> String {
    match answer {
        Answer::Whole(reply) => reply.status().as_u16().to_string(),
        Answer::CutMidBody(_) => "cut".to_owned(),
        Answer::Reset => "reset".to_owned(),
    }
}
