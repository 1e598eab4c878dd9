//! The life of one process, as its two transports see it: it may end before or after any interaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Kills a process at one of its interactions with the world.
#[derive(Debug)]
pub struct CrashPoint {
    /// The number of the interaction, from 0.
    pub at: u64,
    /// Whether the interaction is done before the process is gone.
    pub is_after: bool,
    met: AtomicU64,
}

impl CrashPoint {
    pub fn new(at: u64, is_after: bool) -> Self {
        Self { at, is_after, met: AtomicU64::new(0) }
    }

    /// The interactions of all processes so far.
    pub fn met(&self) -> u64 {
        self.met.load(Ordering::Relaxed)
    }
}

/// Whether a process still lives. All clones share it.
#[derive(Clone, Debug)]
pub struct Life {
    is_alive: Arc<AtomicBool>,
    crash: Option<Arc<CrashPoint>>,
}

/// What becomes of an interaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interaction {
    Happens,
    /// The process is gone before it.
    Never,
    /// It happens, and the process is gone before it hears of it.
    Unheard,
}

impl Life {
    pub fn new(crash: Option<Arc<CrashPoint>>) -> Self {
        Self { is_alive: Arc::new(AtomicBool::new(true)), crash }
    }

    pub fn is_over(&self) -> bool {
        !self.is_alive.load(Ordering::Relaxed)
    }

    pub fn end(&self) {
        self.is_alive.store(false, Ordering::Relaxed);
    }

    /// To be called at each interaction.
    pub fn interacts(&self) -> Interaction {
        if self.is_over() {
            return Interaction::Never;
        }
        let Some(crash) = &self.crash else { return Interaction::Happens };
        if crash.met.fetch_add(1, Ordering::Relaxed) != crash.at {
            return Interaction::Happens;
        }
        self.end();
        if crash.is_after { Interaction::Unheard } else { Interaction::Never }
    }
}
