//! The tokens of GetLogEvents: a direction, and a place between two events of a stream.

use super::invalid;
use crate::service::ServiceError;

/// Before the event with this time and number, where the number is its place in the world's list. Such a place stays
/// valid when events are added.
pub type Place = (u64, u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    pub is_forward: bool,
    pub place: Place,
    /// The token of an empty page that comes before a page with events.
    pub is_of_empty: bool,
}

impl Token {
    pub fn read(token: &str) -> Result<Self, ServiceError> {
        read(token).ok_or_else(|| invalid("The specified nextToken is invalid."))
    }

    /// As AWS writes them: `f/` or `b/`, 56 digits, and `/s`.
    pub fn written(self) -> String {
        let direction = if self.is_forward { 'f' } else { 'b' };
        let end = if self.is_of_empty { 'e' } else { 's' };
        let (time, number) = self.place;
        format!("{direction}/{time:028}{number:028}/{end}")
    }
}

fn read(token: &str) -> Option<Token> {
    let mut parts = token.split('/');
    let (direction, digits, end) = (parts.next()?, parts.next()?, parts.next()?);
    let is_forward = match direction {
        "f" => true,
        "b" => false,
        _ => return None,
    };
    let is_of_empty = match end {
        "e" => true,
        "s" => false,
        _ => return None,
    };
    let is_digits = digits.len() == 56 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits || parts.next().is_some() {
        return None;
    }
    let (time, number) = digits.split_at(28);
    Some(Token { is_forward, place: (time.parse().ok()?, number.parse().ok()?), is_of_empty })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_another_is_refused() {
        let token = Token { is_forward: false, place: (1_740_830_400_123, 7), is_of_empty: false };
        assert_eq!(token.written(), "b/00000000000000017408304001230000000000000000000000000007/s");
        assert_eq!(Token::read(&token.written()).unwrap(), token);
        for wrong in ["", "f/1/s", "x/00000000000000017408304001230000000000000000000000000007/s", "f/"] {
            assert_eq!(Token::read(wrong).unwrap_err().message, "The specified nextToken is invalid.");
        }
    }
}
