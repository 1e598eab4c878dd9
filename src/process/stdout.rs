//! How the commands that answer once print.

use crate::process::args::describe::Output;
use serde::Serialize;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

/// `answer` on stdout, and `code` if it could be written.
pub fn print(answer: &impl Serialize, output: Output, code: ExitCode) -> ExitCode {
    let text = match output {
        Output::Json => serde_json::to_string_pretty(answer).map_err(|error| error.to_string()),
        Output::Yaml => serde_saphyr::to_string(answer).map_err(|error| error.to_string()),
    };
    put(text, code)
}

/// `text` on stdout, and `code` if it could be written.
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
        // A reader that closed the pipe early has what it wanted.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| error.to_string()),
    }
}
