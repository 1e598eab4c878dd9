//! Text of others for a line: a log line, a cell of a table, a message. AWS and whoever names objects write it, so it
//! must neither end the line, nor control the terminal, nor reorder what a reader sees.

use std::borrow::Cow;
use std::fmt::Write;

/// `text` with each unsafe character shown as `\n` or `\u{1b}`.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    replaced(text, is_unsafe, |plain, c| plain.extend(c.escape_default()))
}

/// A JSON text in which no string holds an unsafe character. Its value is the same. Line ends between tokens stay.
pub(crate) fn escaped_json(json: &str) -> Cow<'_, str> {
    replaced(json, |c| is_unsafe(c) && !c.is_ascii() || c == '\u{7f}', escape_as_json)
}

/// A JSON text that is ASCII, as Python prints it. Its value is the same. Python prints DEL as it is, and this does not.
pub(crate) fn ascii_json(json: &str) -> Cow<'_, str> {
    replaced(json, |c| !c.is_ascii() || c == '\u{7f}', escape_as_json)
}

/// Whether `text` holds a character that [`escaped`] would replace.
pub(crate) fn has_unsafe(text: &str) -> bool {
    text.chars().any(is_unsafe)
}

/// Control characters (C0, DEL, C1), the line ends of Unicode, and the characters that change the direction of text.
fn is_unsafe(c: char) -> bool {
    let is_direction =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') || is_direction
}

fn replaced(text: &str, is_replaced: impl Fn(char) -> bool, replace: impl Fn(&mut String, char)) -> Cow<'_, str> {
    if !text.contains(&is_replaced) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_replaced(c) { replace(&mut plain, c) } else { plain.push(c) }
    }
    Cow::Owned(plain)
}

/// Valid inside of a JSON string only. Outside of strings, JSON has none of the characters that are replaced.
fn escape_as_json(json: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        // Writing to a String cannot fail.
        let _ = write!(json, "\\u{unit:04x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_control_and_direction_characters_are_shown_escaped() {
        let forged = "a\nb\r\tc\u{1b}[2J\u{7f}\u{9b}\u{85}\u{2028}\u{2029}\u{202e}\u{2066}\u{200f}\u{61c}z";
        let expected =
            "a\\nb\\r\\tc\\u{1b}[2J\\u{7f}\\u{9b}\\u{85}\\u{2028}\\u{2029}\\u{202e}\\u{2066}\\u{200f}\\u{61c}z";
        assert_eq!(escaped(forged), expected);
    }

    #[test]
    fn other_text_is_not_copied() {
        assert!(matches!(escaped("Größe: 画像 \\n 'x' \"y\""), Cow::Borrowed(_)));
        assert!(matches!(escaped_json("{\n  \"a\": \"Größe\"\n}"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_keeps_its_value_and_its_line_ends() {
        let value = serde_json::json!({"tag\u{202e}": "\u{1b}\u{7f}\u{9b}ü\n\u{1f600}"});
        let json = serde_json::to_string_pretty(&value).unwrap_or_default();
        let in_log = "{\n  \"tag\\u202e\": \"\\u001b\\u007f\\u009bü\\n\u{1f600}\"\n}";
        assert_eq!(escaped_json(&json), in_log);
        let ascii = ascii_json(&json);
        assert_eq!(ascii, "{\n  \"tag\\u202e\": \"\\u001b\\u007f\\u009b\\u00fc\\n\\ud83d\\ude00\"\n}");
        for text in [&ascii, &escaped_json(&json)] {
            assert_eq!(serde_json::from_str::<serde_json::Value>(text).ok().as_ref(), Some(&value));
        }
    }
}
