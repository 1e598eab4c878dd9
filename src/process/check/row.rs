//! A row of the result of `check`, and the table of all rows. Users paste it into tickets.

use crate::describe_image::source_error::redacted;
use crate::plain_text::escaped;
use anstyle::{AnsiColor, Style};
use serde::Serialize;
use std::collections::HashSet;
use std::fmt::{Display, Write};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckResult {
    Ok,
    /// It could not be checked. That is not a failure.
    #[serde(rename = "untold")]
    Unknown,
    Failed,
}

/// The result of one check.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub check: String,
    #[serde(rename = "verdict")]
    pub result: CheckResult,
    pub said: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub fix: String,
}

impl Row {
    /// `Ok`, or `Failed` with its fix.
    pub fn judged(check: impl Display, is_ok: bool, said: impl Display, fix: &str) -> Self {
        let result = if is_ok { CheckResult::Ok } else { CheckResult::Failed };
        let fix = if is_ok { String::new() } else { public(fix) };
        Self { check: public(check), result, said: public(said), fix }
    }

    pub fn failed(check: impl Display, said: impl Display, fix: impl Display) -> Self {
        Self { check: public(check), result: CheckResult::Failed, said: public(said), fix: public(fix) }
    }

    pub fn unknown(check: impl Display, said: impl Display) -> Self {
        Self { check: public(check), result: CheckResult::Unknown, said: public(said), fix: String::new() }
    }
}

/// One line without secrets and without characters that control the terminal. Every text of a row goes through it.
fn public(text: impl Display) -> String {
    let line = text.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    escaped(&redacted(&line)).into_owned()
}

/// Keeps each fix only in the first row that has it, because rows with the same fix have one cause.
pub fn say_each_fix_once(rows: &mut [Row]) {
    let mut said = HashSet::new();
    for row in rows {
        if !said.insert(row.fix.clone()) {
            row.fix.clear();
        }
    }
}

/// The table, with the fix below each failed line and a summary at the end.
pub fn table(rows: &[Row], has_colors: bool) -> String {
    let width = rows.iter().map(|row| row.check.len()).max().unwrap_or_default();
    let mut text = String::new();
    for row in rows {
        let (verdict, color) = match row.result {
            CheckResult::Ok => ("ok", AnsiColor::Green),
            CheckResult::Unknown => ("-", AnsiColor::Yellow),
            CheckResult::Failed => ("FAILED", AnsiColor::Red),
        };
        let style = if has_colors { color.on_default() } else { Style::new() };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:width$}  {style}{verdict:6}{style:#}  {}", row.check, row.said);
        if !row.fix.is_empty() {
            let _ = writeln!(text, "{:width$}          fix: {}", "", row.fix);
        }
    }
    let failed = rows.iter().filter(|row| row.result == CheckResult::Failed).count();
    let unknown = rows.iter().filter(|row| row.result == CheckResult::Unknown).count();
    let sum = match (failed, unknown) {
        (0, 0) => "all is well".to_owned(),
        (0, _) => format!("nothing failed, {unknown} could not be checked"),
        _ => format!("{failed} of {} failed", rows.len()),
    };
    let _ = writeln!(text, "{sum}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_a_row_forges_a_line_controls_the_terminal_or_holds_a_secret() {
        let forged = "a\nb\u{1b}[2J\u{202e} Encoded authorization\nfailure message: 4GIOHlTk";
        let rows = [
            Row::judged(forged, true, forged, ""),
            Row::judged(forged, false, forged, forged),
            Row::failed(forged, forged, forged),
            Row::unknown(forged, forged),
        ];
        let public = r"a b\u{1b}[2J\u{202e}…";
        for row in &rows {
            assert_eq!((row.check.as_str(), row.said.as_str()), (public, public));
            assert!(row.fix.is_empty() || row.fix == public, "{}", row.fix);
        }
        assert_eq!(table(&rows, false).lines().count(), 4 + 2 + 1);
    }

    #[test]
    fn each_failed_line_is_followed_by_its_fix() {
        let rows = [Row::judged("a", true, "fine", "unused"), Row::failed("long check", "not\nfine", "do this")];
        let expected =
            "a           ok      fine\nlong check  FAILED  not fine\n                    fix: do this\n1 of 2 failed\n";
        assert_eq!(table(&rows, false), expected);
        assert!(table(&rows, true).contains("\u{1b}[31mFAILED\u{1b}[0m"));
    }
}
