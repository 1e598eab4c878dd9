//! EC2's wildcards: `*` matches any characters, `?` exactly one; after a backslash the next character is literal.

/// A parsed pattern. Matching is case-sensitive.
#[derive(Debug)]
pub struct Wildcard(Vec<Symbol>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Symbol {
    Any,
    One,
    Exactly(char),
}

impl Wildcard {
    /// `None` if the text has no wildcard. Then it matches only itself.
    pub fn parse(pattern: &str) -> Option<Self> {
        if !pattern.contains(['*', '?', '\\']) {
            return None;
        }
        let mut symbols = Vec::new();
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            symbols.push(match character {
                '*' => Symbol::Any,
                '?' => Symbol::One,
                '\\' => Symbol::Exactly(characters.next().unwrap_or('\\')),
                other => Symbol::Exactly(other),
            });
        }
        Some(Self(symbols))
    }

    /// Works without recursion: if the rest does not match, the last `*` takes one more character.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut symbol) = (0, 0);
        let mut last_any: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.0.get(symbol) {
                Some(Symbol::Any) => {
                    last_any = Some((symbol, at));
                    symbol += 1;
                }
                Some(Symbol::One) => (at, symbol) = (at + 1, symbol + 1),
                Some(Symbol::Exactly(wanted)) if *wanted == text[at] => (at, symbol) = (at + 1, symbol + 1),
                _ => {
                    let Some((any, from)) = last_any else {
                        return false;
                    };
                    last_any = Some((any, from + 1));
                    (at, symbol) = (from + 1, any + 1);
                }
            }
        }
        self.0[symbol..].iter().all(|symbol| *symbol == Symbol::Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Wildcard::parse(pattern).map_or(pattern == text, |wildcard| wildcard.matches(text))
    }

    #[test]
    fn a_star_matches_any_characters_and_a_question_mark_one() {
        assert!(matches("build-*-x", "build-a-x-b-x"));
        assert!(matches("*", ""));
        assert!(matches("a?c", "abc"));
        assert!(!matches("a?c", "ac"));
        assert!(!matches("build-*", "Build-1"));
        assert!(!matches("*a", "ab"));
    }

    #[test]
    fn a_backslash_makes_a_wildcard_literal() {
        assert!(matches(r"a\*b", "a*b"));
        assert!(!matches(r"a\*b", "axb"));
        assert!(matches(r"\\*", r"\whatever"));
    }

    #[test]
    fn a_text_without_wildcards_matches_only_itself() {
        assert!(matches("a.c", "a.c"));
        assert!(!matches("a.c", "abc"));
    }
}
