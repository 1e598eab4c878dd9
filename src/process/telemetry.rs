//! Structured logs on stderr, as text or JSON.

use crate::process::args::{LogArgs, LogFormat};
use std::io::Write;
use tracing_subscriber::EnvFilter;

/// Starts logging; a second start changes nothing.
pub fn start(args: &LogArgs) {
    let filter = format!("{},{}", args.log, crate::aws::LOG_CEILING);
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match args.log_format {
        LogFormat::Text => log.with_ansi(false).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    if let Err(error) = started {
        let _ = writeln!(std::io::stderr(), "customimage-operator: logging was already started: {error}");
    }
}
