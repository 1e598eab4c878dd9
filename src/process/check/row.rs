//! A line of the check's table, and the table.

use serde::Serialize;
use std::collections::HashSet;
use std::fmt::{Display, Write};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Ok,
    /// It could not be told, and is no failure.
    Untold,
    Failed,
}

/// One thing that was checked.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub check: String,
    pub verdict: Verdict,
    pub said: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub fix: String,
}

impl Row {
    /// A yes with what was said, or a no with its fix.
    pub fn judged(check: impl Display, is_ok: bool, said: impl Display, fix: &str) -> Self {
        let verdict = if is_ok { Verdict::Ok } else { Verdict::Failed };
        let fix = if is_ok { String::new() } else { fix.to_owned() };
        Self { check: check.to_string(), verdict, said: one_line(said), fix }
    }

    pub fn failed(check: impl Display, said: impl Display, fix: impl Display) -> Self {
        Self { check: check.to_string(), verdict: Verdict::Failed, said: one_line(said), fix: fix.to_string() }
    }

    pub fn untold(check: impl Display, said: impl Display) -> Self {
        Self { check: check.to_string(), verdict: Verdict::Untold, said: one_line(said), fix: String::new() }
    }
}

fn one_line(said: impl Display) -> String {
    said.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Of rows with one cause the first says the fix.
pub fn say_each_fix_once(rows: &mut [Row]) {
    let mut said = HashSet::new();
    for row in rows {
        if !said.insert(row.fix.clone()) {
            row.fix.clear();
        }
    }
}

/// The table, the fix below each red line, and the sum at the end.
pub fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.check.len()).max().unwrap_or_default();
    let mut text = String::new();
    for row in rows {
        let verdict = match row.verdict {
            Verdict::Ok => "ok",
            Verdict::Untold => "-",
            Verdict::Failed => "FAILED",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:width$}  {verdict:6}  {}", row.check, row.said);
        if !row.fix.is_empty() {
            let _ = writeln!(text, "{:width$}          fix: {}", "", row.fix);
        }
    }
    let failed = rows.iter().filter(|row| row.verdict == Verdict::Failed).count();
    let untold = rows.iter().filter(|row| row.verdict == Verdict::Untold).count();
    let sum = match (failed, untold) {
        (0, 0) => "all is well".to_owned(),
        (0, _) => format!("nothing failed, {untold} could not be told"),
        _ => format!("{failed} of {} failed", rows.len()),
    };
    let _ = writeln!(text, "{sum}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_red_line_is_followed_by_its_fix() {
        let rows = [Row::judged("a", true, "fine", "unused"), Row::failed("long check", "not\nfine", "do this")];
        let expected =
            "a           ok      fine\nlong check  FAILED  not fine\n                    fix: do this\n1 of 2 failed\n";
        assert_eq!(table(&rows), expected);
    }
}
