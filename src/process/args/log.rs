//! The flags of the log, and its start. The log goes to stderr, as text or JSON.

use super::value::log_filter;
use clap::{Args as ClapArgs, ValueEnum};
use std::io::Write;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::layer::{Filter, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "Log")]
pub struct LogArgs {
    /// Format of the log. The log goes to stderr.
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
    /// Starts logging. A second start prints an error and changes nothing.
    pub fn start(&self) {
        let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let layer = match self.log_format {
            LogFormat::Text => layer.with_ansi(false).boxed(),
            LogFormat::Json => layer.json().flatten_event(true).boxed(),
        };
        if let Err(error) = tracing_subscriber::registry().with(layer.with_filter(filter(&self.log))).try_init() {
            let _ = writeln!(std::io::stderr(), "customimage-operator: logging was already started: {error}");
        }
    }
}

/// What `wanted` allows, below the ceiling. A directive cannot lift the ceiling, however specific its target is.
fn filter<S: Subscriber>(wanted: &str) -> impl Filter<S> + use<S> {
    let ceiling = Targets::new().with_default(LevelFilter::TRACE).with_targets(crate::aws::LOG_CEILING);
    EnvFilter::try_new(wanted)
        .unwrap_or_else(|_| EnvFilter::new("info"))
        .and(ceiling)
        .and(filter_fn(|line| !crate::kubernetes::is_told_elsewhere(line)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn no_directive_makes_the_sdk_log_whole_replies() {
        let wanted = "trace,aws_smithy_runtime::client=trace,aws_config=debug";
        let layer = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
        let log = tracing_subscriber::registry().with(layer.with_filter(filter(wanted)));
        tracing::subscriber::with_default(log, || {
            assert!(tracing::enabled!(target: "customimage_operator", Level::TRACE));
            assert!(!tracing::enabled!(target: "aws_smithy_runtime::client::http", Level::TRACE));
            assert!(tracing::enabled!(target: "aws_smithy_runtime::client::http", Level::INFO));
            assert!(!tracing::enabled!(target: "aws_config::profile", Level::INFO));
        });
    }
}
