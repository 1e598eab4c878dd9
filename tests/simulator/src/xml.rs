//! Writes XML like AWS's services: elements and escaped text. An absent value gives no element.

use std::fmt::{Display, Write};

pub(crate) struct Xml(String);

impl Xml {
    pub fn new() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".into())
    }

    /// `opening` is the tag with its attributes. The closing tag uses its first word.
    pub fn element(&mut self, opening: &str, content: impl FnOnce(&mut Self)) {
        let name = opening.split(' ').next().unwrap_or(opening);
        let _ = write!(self.0, "<{opening}>");
        content(self);
        let _ = write!(self.0, "</{name}>");
    }

    pub fn text(&mut self, name: &str, value: &str) {
        let _ = write!(self.0, "<{name}>");
        self.escaped(value);
        let _ = write!(self.0, "</{name}>");
    }

    /// Escaped text without an element of its own.
    pub fn characters(&mut self, value: &str) {
        self.escaped(value);
    }

    pub fn optional(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// For numbers and booleans, which need no escaping.
    pub fn scalar(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            let _ = write!(self.0, "<{name}>{value}</{name}>");
        }
    }

    pub fn finish(self) -> String {
        self.0
    }

    fn escaped(&mut self, value: &str) {
        for character in value.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\n' | '\t' => self.0.push(character),
                control if control.is_control() => {
                    let _ = write!(self.0, "&#x{:X};", u32::from(control));
                }
                other => self.0.push(other),
            }
        }
    }
}
