//! Standard output of the commands that print one answer and exit.

use crate::process::args::describe::Output;
use serde::Serialize;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

/// Prints `answer` on stdout. Returns `code`, or a failure when the answer cannot be written.
pub fn print(answer: &impl Serialize, output: Output, code: ExitCode) -> ExitCode {
    let text = match output {
        Output::Json => serde_json::to_string_pretty(answer).map_err(|error| error.to_string()),
        Output::Yaml => serde_saphyr::to_string(answer).map_err(|error| error.to_string()),
    };
    put(text, code)
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

fn write(text: &str) -> Result<(), String> {
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{}", text.trim_end()).and_then(|()| stdout.flush()) {
        // The reader closed the pipe early, because it has read enough. That is not an error.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| error.to_string()),
    }
}
