//! What an answer of AWS tells.

use bytes::Bytes;
use http::Response;
use simulator::Answer;

/// Whether it tells of what there is. That something is missing is an error in AWS's words.
pub fn says_something(answer: &Answer) -> bool {
    let Answer::Whole(reply) = answer else { return false };
    reply.status().is_success() || has(reply, "does not exist") || has(reply, "ResourceNotFoundException")
}

/// Whether it has no token of a next page.
pub fn is_last_page(answer: &Answer) -> bool {
    let Answer::Whole(reply) = answer else { return false };
    !has(reply, "<nextToken>")
}

fn has(reply: &Response<Bytes>, words: &str) -> bool {
    reply.body().windows(words.len()).any(|part| part == words.as_bytes())
}

pub fn status_of(answer: &Answer) -> String {
    match answer {
        Answer::Whole(reply) => reply.status().as_u16().to_string(),
        Answer::CutMidBody(_) => "cut".to_owned(),
        Answer::Reset => "reset".to_owned(),
    }
}
