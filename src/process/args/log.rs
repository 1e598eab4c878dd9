//! What is logged, and how: on stderr, as text or JSON.

use super::value::log_filter;
use clap::{Args as ClapArgs, ValueEnum};
use std::io::Write;
use tracing_subscriber::EnvFilter;

#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "Log")]
pub struct LogArgs {
    /// Format of the log, on stderr.
    #[arg(long, env = "CUSTOMIMAGE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// What is logged: a level, or levels by module, such as info,customimage_operator=debug.
    #[arg(long, env = "CUSTOMIMAGE_LOG", value_name = "FILTER", default_value = "info", value_parser = log_filter)]
    pub log: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

impl LogArgs {
    /// Starts logging; a second start changes nothing.
    pub fn start(&self) {
        let filter = format!("{},{}", self.log, crate::aws::LOG_CEILING);
        let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        let started = match self.log_format {
            LogFormat::Text => log.with_ansi(false).try_init(),
            LogFormat::Json => log.json().flatten_event(true).try_init(),
        };
        if let Err(error) = started {
            let _ = writeln!(std::io::stderr(), "customimage-operator: logging was already started: {error}");
        }
    }
}
