//! Remarks to people, on stderr.

use crate::plain_text::escaped;
use std::io::Write;

pub fn remark(text: &str) {
    let _ = writeln!(std::io::stderr(), "customimage-operator: {}", escaped(text));
}
