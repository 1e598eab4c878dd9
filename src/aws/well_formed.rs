//! Whether XML is well-formed, and small when it is parsed. The SDK's parser does not check that: after a wrong tag or a wrong
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
pub enum BadXml {
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
pub fn check(text: &[u8]) -> Result<(), BadXml> {
    let text = std::str::from_utf8(text).map_err(|_| BadXml::Malformed)?;
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut elements = 0;
    for token in Tokenizer::from(text) {
        match token.map_err(|_| BadXml::Malformed)? {
            Token::ElementStart { prefix, local, .. } => {
                elements += 1;
                let siblings = open.last_mut().map_or(0, |parent| {
                    parent.children += 1;
                    parent.children
                });
                if elements > MOST_ELEMENTS || siblings > MOST_CHILDREN {
                    return Err(BadXml::TooMany);
                }
                if open.len() >= DEEPEST {
                    return Err(BadXml::Malformed);
                }
                open.push(Open { name: (prefix.as_str(), local.as_str()), children: 0 });
            }
            Token::ElementEnd { end: ElementEnd::Close(prefix, local), .. } => {
                let name = (prefix.as_str(), local.as_str());
                open.pop().filter(|opened| opened.name == name).ok_or(BadXml::Malformed)?;
            }
            Token::ElementEnd { end: ElementEnd::Empty, .. } => {
                open.pop();
            }
            // AWS declares no types and no entities.
            Token::DtdStart { .. } | Token::EmptyDtd { .. } => return Err(BadXml::Malformed),
            _ => {}
        }
    }
    if open.is_empty() { Ok(()) } else { Err(BadXml::Malformed) }
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
            assert_eq!(check(bad.as_bytes()), Err(BadXml::Malformed), "{bad}");
        }
        assert_eq!(check(b"<a>\xff</a>"), Err(BadXml::Malformed));
        let deep = |levels: usize| format!("{}{}", "<a>".repeat(levels), "</a>".repeat(levels));
        assert_eq!(check(deep(DEEPEST).as_bytes()), Ok(()));
        assert_eq!(check(deep(DEEPEST + 1).as_bytes()), Err(BadXml::Malformed));
    }

    #[test]
    fn there_is_a_bound_of_elements() {
        let wide = |count: usize, inner: &str| format!("<a>{}</a>", format!("<b>{inner}</b>").repeat(count));
        assert_eq!(check(wide(MOST_CHILDREN, "").as_bytes()), Ok(()));
        assert_eq!(check(wide(MOST_CHILDREN + 1, "").as_bytes()), Err(BadXml::TooMany));
        assert_eq!(check(wide(MOST_CHILDREN, &"<c/>".repeat(30)).as_bytes()), Err(BadXml::TooMany));
    }
}
