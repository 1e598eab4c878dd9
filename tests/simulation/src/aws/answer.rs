//! What an answer of AWS tells.

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
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

/// The same answer, with each AMI and each stack twice.
pub fn with_each_entry_twice(answer: Answer) -> Answer {
    let Answer::Whole(reply) = answer else { return answer };
    let (mut parts, body) = reply.into_parts();
    let mut text = String::from_utf8_lossy(&body).into_owned();
    for list in ["imagesSet", "Stacks"] {
        let (begin, end) = (format!("<{list}>"), format!("</{list}>"));
        if let Some((before, entries, after)) = between(&text, &begin, &end) {
            text = [before, &begin, entries, entries, &end, after].concat();
        }
    }
    parts.headers.remove(CONTENT_LENGTH);
    Answer::Whole(Response::from_parts(parts, text.into()))
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let (before, rest) = text.split_once(begin)?;
    let (inner, after) = rest.split_once(end)?;
    Some((before, inner, after))
}

pub fn status_of(answer: &Answer) -> String {
    match answer {
        Answer::Whole(reply) => reply.status().as_u16().to_string(),
        Answer::CutMidBody(_) => "cut".to_owned(),
        Answer::Reset => "reset".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_can_have_each_entry_twice() {
        for (body, expected) in [
            ("<a><imagesSet><item/></imagesSet></a>", "<a><imagesSet><item/><item/></imagesSet></a>"),
            ("<a><Stacks><member/></Stacks></a>", "<a><Stacks><member/><member/></Stacks></a>"),
            ("{\"image\": {}}", "{\"image\": {}}"),
        ] {
            let Answer::Whole(reply) = with_each_entry_twice(Answer::Whole(Response::new(body.into()))) else {
                panic!("it is not whole any more");
            };
            assert_eq!(reply.body(), expected.as_bytes());
        }
    }
}
