//! Whether XML is well-formed, and a reply small when it is parsed. The SDK's parser does not check that: after a wrong tag or a wrong
//! character it goes on as if the document ended there, so the rest of a list would seem absent.

use xmlparser::{ElementEnd, Token, Tokenizer};

/// How deep AWS's elements are nested at most. The SDK has the same limit.
const DEEPEST: usize = 128;

/// The most elements of a reply. A thousand AMIs with fifty tags each have about a quarter of a million. The SDK makes a struct
/// of many of them, so that a few bytes of a reply could take a kilobyte of memory.
const MOST_ELEMENTS: usize = 300_000;

/// The most elements in one, such as the AMIs in a page. EC2's longest page has a thousand.
const MOST_CHILDREN: usize = 10_000;

/// Why a document is not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadForm {
    #[error("the reply is no well-formed XML")]
    Malformed,
    #[error("the reply has too many elements")]
    TooMany,
}

/// An element that is open.
struct Open<'a> {
    name: (&'a str, &'a str),
    children: usize,
}

/// Reads `text` to its end.
///
/// # Errors
/// If it is not well-formed, or has too many elements.
pub fn check(text: &[u8]) -> Result<(), BadForm> {
    let text = std::str::from_utf8(text).map_err(|_| BadForm::Malformed)?;
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut elements = 0;
    for token in Tokenizer::from(text) {
        match token.map_err(|_| BadForm::Malformed)? {
            Token::ElementStart { prefix, local, .. } => {
                elements += 1;
                let siblings = open.last_mut().map_or(0, |parent| {
                    parent.children += 1;
                    parent.children
                });
                if elements > MOST_ELEMENTS || siblings > MOST_CHILDREN {
                    return Err(BadForm::TooMany);
                }
                if open.len() >= DEEPEST {
                    return Err(BadForm::Malformed);
                }
                open.push(Open { name: (prefix.as_str(), local.as_str()), children: 0 });
            }
            Token::ElementEnd { end: ElementEnd::Close(prefix, local), .. } => {
                let name = (prefix.as_str(), local.as_str());
                open.pop().filter(|opened| opened.name == name).ok_or(BadForm::Malformed)?;
            }
            Token::ElementEnd { end: ElementEnd::Empty, .. } => {
                open.pop();
            }
            // AWS declares no types and no entities.
            Token::DtdStart { .. } | Token::EmptyDtd { .. } => return Err(BadForm::Malformed),
            _ => {}
        }
    }
    if open.is_empty() { Ok(()) } else { Err(BadForm::Malformed) }
}

/// The name of the first element, without its prefix.
pub fn root(text: &[u8]) -> Option<&str> {
    Tokenizer::from(std::str::from_utf8(text).ok()?).find_map(|token| match token {
        Ok(Token::ElementStart { local, .. }) => Some(local.as_str()),
        _ => None,
    })
}

/// Counts the entries of JSON: one before each comma that is in no text.
///
/// # Errors
/// If it has too many.
pub fn check_json(text: &[u8]) -> Result<(), BadForm> {
    let (mut commas, mut in_text, mut is_escaped) = (0, false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_text,
            b'"' => in_text = !in_text,
            b',' if !in_text => commas += 1,
            _ => {}
        }
    }
    if commas < MOST_ELEMENTS { Ok(()) } else { Err(BadForm::TooMany) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_matching_tags_and_right_characters_pass() {
        for good in ["<?xml version=\"1.0\"?><!-- a > b --><a x=\"1\"><b:c>&lt;</b:c><d/></a>", "<a/>"] {
            assert_eq!(check(good.as_bytes()), Ok(()), "{good}");
        }
        for bad in ["<a><b></a>", "<a><b></c></a>", "</a>", "<a>", "<a>\u{1}</a>", "<a x=1/>", "<!DOCTYPE a><a/>"] {
            assert_eq!(check(bad.as_bytes()), Err(BadForm::Malformed), "{bad}");
        }
        assert_eq!(check(b"<a>\xff</a>"), Err(BadForm::Malformed));
        let deep = |levels: usize| format!("{}{}", "<a>".repeat(levels), "</a>".repeat(levels));
        assert_eq!(check(deep(DEEPEST).as_bytes()), Ok(()));
        assert_eq!(check(deep(DEEPEST + 1).as_bytes()), Err(BadForm::Malformed));
    }

    #[test]
    fn there_is_a_bound_of_entries_in_json() {
        let list = |count: usize, entry: &str| format!("[{}]", vec![entry; count].join(","));
        assert_eq!(check_json(list(MOST_ELEMENTS, "{}").as_bytes()), Ok(()));
        assert_eq!(check_json(list(MOST_ELEMENTS + 1, "{}").as_bytes()), Err(BadForm::TooMany));
        let text = format!("[\"\\\"{}\"]", ",".repeat(MOST_ELEMENTS));
        assert_eq!(check_json(text.as_bytes()), Ok(()), "the commas of a text do not count");
    }

    #[test]
    fn there_is_a_bound_of_elements() {
        let wide = |count: usize, inner: &str| format!("<a>{}</a>", format!("<b>{inner}</b>").repeat(count));
        assert_eq!(check(wide(MOST_CHILDREN, "").as_bytes()), Ok(()));
        assert_eq!(check(wide(MOST_CHILDREN + 1, "").as_bytes()), Err(BadForm::TooMany));
        assert_eq!(check(wide(MOST_CHILDREN, &"<c/>".repeat(30)).as_bytes()), Err(BadForm::TooMany));
    }
}
