//! A strict XML reader of its own, so that the tests do not judge the SDK's parser by itself. It reads what AWS sends:
//! elements, attributes, texts, comments. Anything else is no XML here.

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Without a prefix.
    pub name: String,
    pub children: Vec<Node>,
    pub text: String,
}

impl Node {
    pub fn child(&self, name: &str) -> Option<&Self> {
        // As in the SDK, the last one counts.
        self.children.iter().rfind(|child| child.name == name)
    }

    /// All elements, from the outside in.
    pub fn all(&self) -> Vec<&Self> {
        let mut found = vec![self];
        let mut at = 0;
        while let Some(node) = found.get(at).copied() {
            found.extend(&node.children);
            at += 1;
        }
        found
    }

    pub fn write(&self) -> String {
        let text: String = self.text.chars().map(escaped).collect();
        let children: String = self.children.iter().map(Self::write).collect();
        format!("<{name}>{text}{children}</{name}>", name = self.name)
    }
}

fn escaped(letter: char) -> String {
    match letter {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        _ => letter.to_string(),
    }
}

/// The text of an element in `node`.
pub fn text(node: &Node, name: &str) -> Option<String> {
    node.child(name).map(|child| child.text.clone())
}

/// The most elements in one, and how deep they are nested: far more than in AWS's.
const MOST: usize = 10_000;
const DEEPEST: usize = 200;

/// The root of a document. `None` if the document is not well-formed, or far too large.
pub fn read(bytes: &[u8]) -> Option<Node> {
    let mut rest = std::str::from_utf8(bytes).ok()?;
    rest = rest.strip_prefix('\u{feff}').unwrap_or(rest);
    if !rest
        .chars()
        .all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..))
    {
        return None;
    }
    let mut open: Vec<(&str, Node)> = Vec::new();
    let mut root = None;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("<?").map(|_| after_first(rest, "?>")) {
            rest = after?;
        } else if let Some(inner) = rest.strip_prefix("<!--") {
            rest = after_first(inner, "-->")?;
        } else if let Some(inner) = rest.strip_prefix("</") {
            let (name, after) = inner.split_once('>')?;
            let (opened, node) = open.pop()?;
            if bare(name.trim_ascii_end()) != opened {
                return None;
            }
            close(node, &mut open, &mut root)?;
            rest = after;
        } else if let Some(inner) = rest.strip_prefix('<') {
            if open.len() > DEEPEST {
                return None;
            }
            let (tag, after) = start_tag(inner)?;
            let (name, is_empty) = tag;
            let name = bare(name);
            let node = Node { name: name.rsplit(':').next()?.to_owned(), ..Node::default() };
            if is_empty {
                close(node, &mut open, &mut root)?
            } else {
                open.push((name, node))
            }
            rest = after;
        } else {
            let end = rest.find('<').unwrap_or(rest.len());
            // An unknown reference does no harm, unless the SDK needs the text: then it refuses the reply.
            let text = unescaped(&rest[..end]).unwrap_or_else(|| rest[..end].to_owned());
            match open.last_mut() {
                Some((_, node)) => node.text.push_str(&text),
                None if text.trim().is_empty() => {}
                None => return None,
            }
            rest = &rest[end..];
        }
    }
    root.filter(|_| open.is_empty())
}

/// As for the SDK, an empty prefix is none.
fn bare(name: &str) -> &str {
    name.strip_prefix(':').unwrap_or(name)
}

fn after_first<'a>(text: &'a str, end: &str) -> Option<&'a str> {
    text.split_once(end).map(|(_, after)| after)
}

fn close(node: Node, open: &mut [(&str, Node)], root: &mut Option<Node>) -> Option<()> {
    match open.last_mut() {
        Some((_, parent)) if parent.children.len() < MOST => parent.children.push(node),
        Some(_) => return None,
        None if root.is_none() => *root = Some(node),
        None => return None,
    }
    Some(())
}

/// The name of a start tag, whether it is a whole element, and what follows it.
fn start_tag(inner: &str) -> Option<((&str, bool), &str)> {
    let is_end = |c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>');
    let end = inner.find(is_end)?;
    let (name, mut rest) = inner.split_at(end);
    let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == ':')
        && !name.contains(['<', '"', '\'', '&', '=']);
    if !is_name {
        return None;
    }
    loop {
        rest = rest.trim_ascii_start();
        if let Some(after) = rest.strip_prefix("/>") {
            return Some(((name, true), after));
        }
        if let Some(after) = rest.strip_prefix('>') {
            return Some(((name, false), after));
        }
        let (attribute, after) = rest.split_once('=')?;
        let quote = after.trim_ascii_start().chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let (value, after) = after.trim_ascii_start().strip_prefix(quote)?.split_once(quote)?;
        if attribute.contains(['<', '>', '/', '"', '\'']) || value.contains('<') {
            return None;
        }
        rest = after;
    }
}

fn unescaped(text: &str) -> Option<String> {
    let mut parts = text.split('&');
    let mut whole = parts.next()?.to_owned();
    for part in parts {
        let (entity, after) = part.split_once(';')?;
        whole.push(match entity {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            _ => number(entity.strip_prefix('#')?)?,
        });
        whole.push_str(after);
    }
    Some(whole)
}

fn number(text: &str) -> Option<char> {
    let code = match text.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => text.parse(),
    };
    char::from_u32(code.ok()?)
}

#[test]
fn a_tree_is_read_and_anything_else_is_none() {
    let text = "<?xml version=\"1.0\"?><!-- a > b --><a x=\"1>2\"><b>&lt;&#65;</b><c/></a>\n";
    let root = read(text.as_bytes()).unwrap();
    assert_eq!(root.write(), "<a><b>&lt;A</b><c></c></a>");
    assert_eq!(root.child("b").map(|b| b.text.as_str()), Some("<A"));
    for wrong in ["", "a", "<a>", "<a></b>", "<a/><a/>", "<a/>b", "</a>", "<a b></a>", "<a>\u{1}</a>"] {
        assert_eq!(read(wrong.as_bytes()), None, "{wrong}");
    }
}
