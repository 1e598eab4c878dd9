//! Standard output of the commands that print one answer and exit. What others wrote cannot control the terminal.

use crate::plain_text::{ascii_json, has_unsafe};
use crate::process::args::describe::Output;
use anstream::{AutoStream, ColorChoice};
use serde::Serialize;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

/// Prints `answer` on stdout. Returns `code`, or a failure when the answer cannot be written.
pub fn print(answer: &impl Serialize, output: Output, code: ExitCode) -> ExitCode {
    let text = match output {
        Output::Json => json(answer),
        Output::Yaml => yaml(answer),
    };
    put(text, code)
}

/// The text that the official program prints: two spaces, and ASCII. Only DEL differs, which Python does not escape.
pub fn json(answer: &impl Serialize) -> Result<String, String> {
    let text = serde_json::to_string_pretty(answer).map_err(|error| error.to_string())?;
    Ok(ascii_json(&text).into_owned())
}

/// YAML. An answer with characters that YAML would show as they are is printed as JSON, which is YAML, too.
fn yaml(answer: &impl Serialize) -> Result<String, String> {
    let text = serde_saphyr::to_string(answer).map_err(|error| error.to_string())?;
    if text.split('\n').any(has_unsafe) { json(answer) } else { Ok(text) }
}

/// Whether stdout is a terminal that shows colours, and NO_COLOR does not forbid them.
pub fn has_colors() -> bool {
    AutoStream::choice(&std::io::stdout()) != ColorChoice::Never
}

/// Prints `text` on stdout. Returns `code`, or a failure when there is no text or it cannot be written.
pub fn put(text: Result<String, String>, code: ExitCode) -> ExitCode {
    match text.and_then(|text| write(&text)) {
        Ok(()) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "customimage-operator: cannot write the answer: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One line of JSON, in ASCII.
pub fn json_line(value: &impl Serialize) -> Result<String, String> {
    let text = serde_json::to_string(value).map_err(|error| error.to_string())?;
    Ok(ascii_json(&text).into_owned())
}

/// Prints a line at once.
///
/// # Errors
/// If it cannot be written, also because nobody reads stdout any more.
pub fn line(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush())
}

fn write(text: &str) -> Result<(), String> {
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{}", text.trim_end()).and_then(|()| stdout.flush()) {
        // The reader closed the pipe early, because it has read enough. That is not an error.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_output_shows_a_character_that_controls_the_terminal_and_each_keeps_the_value() {
        for text in ["größe", "a\nb\u{1b}[2J", "\u{202e}gpj", "\u{7f}\u{9b}\u{2028}x"] {
            let answer = serde_json::json!({"tags": [{"key": "note", "value": text}]});
            for printed in [json(&answer), yaml(&answer)] {
                let printed = printed.unwrap_or_default();
                assert!(!printed.split('\n').any(has_unsafe), "{printed:?}");
                assert_eq!(serde_saphyr::from_str::<serde_json::Value>(&printed).ok().as_ref(), Some(&answer));
            }
        }
    }
}
