//! The flags of the log, and its start. The log goes to stderr, as text or JSON. An event is one line in both.

use super::value::log_filter;
use crate::plain_text::{escaped, escaped_json};
use clap::{Args as ClapArgs, ValueEnum};
use std::borrow::Cow;
use std::io::{self, Write};
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Filter, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
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
        let layer = self.log_format.layer(io::stderr);
        if let Err(error) = tracing_subscriber::registry().with(layer.with_filter(filter(&self.log))).try_init() {
            let _ = writeln!(io::stderr(), "customimage-operator: logging was already started: {error}");
        }
    }
}

impl LogFormat {
    fn layer<S, W>(self, writer: W) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        match self {
            Self::Text => {
                let writer = EscapingWriter { escape: escaped, writer };
                tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer).boxed()
            }
            Self::Json => {
                let writer = EscapingWriter { escape: escaped_json, writer };
                tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(writer).boxed()
            }
        }
    }
}

/// Writes each event as one line without unsafe characters. It is the last place before the log leaves, so no message
/// and no field can pass it by.
struct EscapingWriter<W> {
    escape: fn(&str) -> Cow<'_, str>,
    writer: W,
}

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for EscapingWriter<W> {
    type Writer = EscapingWriter<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        EscapingWriter { escape: self.escape, writer: self.writer.make_writer() }
    }
}

/// The formatter writes an event with one call, line end included.
impl<W: Write> Write for EscapingWriter<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = (self.escape)(text.strip_suffix('\n').unwrap_or(&text)).into_owned() + "\n";
        self.writer.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// What `wanted` allows, below the ceiling. A directive cannot lift the ceiling, however specific its target is.
fn filter<S: Subscriber>(wanted: &str) -> impl Filter<S> + use<S> {
    let ceiling = Targets::new().with_default(LevelFilter::TRACE).with_targets(crate::aws::LOG_CEILING);
    let ceiling = ceiling.with_targets([crate::kubernetes::LOG_CEILING]);
    EnvFilter::try_new(wanted)
        .unwrap_or_else(|_| EnvFilter::new("info"))
        .and(ceiling)
        .and(filter_fn(|line| !crate::kubernetes::is_told_elsewhere(line)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing::Level;

    /// The library remembers for the whole process what a log lets through, so that two logs at once disturb each other.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    /// What `log` writes in this format.
    fn written(format: LogFormat, log: impl FnOnce()) -> String {
        #[derive(Clone, Default)]
        struct Memory(Arc<Mutex<Vec<u8>>>);
        impl Write for Memory {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().map_or(Ok(0), |mut memory| memory.write(bytes))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let memory = Memory::default();
        let writer = memory.clone();
        let layer = format.layer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let bytes = memory.0.lock().map(|bytes| bytes.clone()).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }

    #[test]
    fn text_of_others_can_neither_forge_a_line_of_the_log_nor_control_the_terminal() {
        let _alone = ONE_AT_A_TIME.lock();
        let forged = "refused\n2026-11-01T00:00:00Z  INFO forged\r\u{1b}[2J\u{7f}\u{9b}31m\u{85}\u{2028}\u{202e}";
        for format in [LogFormat::Text, LogFormat::Json] {
            let text = written(format, || {
                tracing::warn!(error = %forged, name = ?forged, plain = forged, "AWS said {forged}");
                tracing::info!("the next event");
            });
            assert_eq!(text.split_inclusive(['\n', '\r', '\u{85}', '\u{2028}']).count(), 2, "{text:?}");
            let is_raw = |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{2028}' | '\u{202e}'));
            assert!(!text.contains(is_raw), "{text:?}");
            if format == LogFormat::Json {
                let first = text.lines().next().unwrap_or_default();
                let event: serde_json::Value = serde_json::from_str(first).unwrap_or_default();
                assert_eq!(event["plain"], forged, "a reader of the JSON gets the text itself");
            }
        }
    }

    #[test]
    fn no_directive_makes_the_sdk_log_whole_replies() {
        let _alone = ONE_AT_A_TIME.lock();
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
