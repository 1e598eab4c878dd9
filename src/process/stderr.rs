//! Standard error of the commands that print one answer and exit: remarks, and the progress of slow reads.

use crate::aws::{Call, CallSink};
use crate::plain_text::escaped;
use std::io::{IsTerminal, Write, stderr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::{Instant, interval_at};

/// Time until progress is shown, and between two changes of it.
const PACE: Duration = Duration::from_secs(1);

/// Returns the cursor to the start of the line, and clears it.
const CLEAR_LINE: &str = "\r\u{1b}[K";

/// Without the first one, what is longer than the line would go on in the next one, and stay there.
const CUT_AT_MARGIN: [&str; 2] = ["\u{1b}[?7l", "\u{1b}[?7h"];

/// One line to people.
pub fn remark(text: &str) {
    let clear = if shows_progress() { CLEAR_LINE } else { "" };
    let _ = writeln!(stderr(), "{clear}customimage-operator: {}", escaped(text));
}

/// Whether stderr is a terminal that can clear a line.
fn shows_progress() -> bool {
    stderr().is_terminal() && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
}

/// Counts the calls to AWS.
#[derive(Debug, Default)]
pub struct CountCalls(AtomicU64);

impl CallSink for CountCalls {
    fn record(&self, _: Call<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Does `work`. On a terminal, it says meanwhile `what` is read, how many calls were made, and for how long.
pub async fn with_progress<T>(what: &str, calls: &CountCalls, work: impl Future<Output = T>) -> T {
    if !shows_progress() {
        return work.await;
    }
    tokio::pin!(work);
    let begun = Instant::now();
    let mut ticks = interval_at(begun + PACE, PACE);
    let mut clear = "";
    loop {
        tokio::select! {
            done = &mut work => {
                let _ = write!(stderr(), "{clear}");
                return done;
            }
            _ = ticks.tick() => {
                let (count, seconds) = (calls.0.load(Ordering::Relaxed), begun.elapsed().as_secs());
                let text = format!("reading {}: {count} calls to AWS, {seconds} s", escaped(what));
                let [cut, whole] = CUT_AT_MARGIN;
                let _ = write!(stderr(), "{CLEAR_LINE}{cut}{text}{whole}");
                clear = CLEAR_LINE;
            }
        }
    }
}
