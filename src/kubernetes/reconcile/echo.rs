//! `Echo`: whether the watch has delivered the last write. Until then a reconcile would work on an outdated object.

/// How many reconciles see an outdated version before the object is reconciled anyway. An API server that was restored
/// to an older state never delivers a newer version.
const MOST_MEETINGS: u32 = 8;

/// Whether the watch has delivered the last write, ours or another client's. Until then a reconcile would be useless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Echo {
    /// It has.
    Seen {
        /// The resourceVersion before. A reconcile that began just before the watch delivered the write still has it.
        outdated: Option<String>,
        /// The resourceVersion of our own write, which a list may deliver once more.
        written: Option<String>,
    },
    Awaited {
        /// The resourceVersion that is known to be outdated.
        outdated: String,
        /// The resourceVersion that our own write made.
        written: Option<String>,
        /// How many reconciles have seen the outdated version since then.
        met: u32,
    },
}

impl Default for Echo {
    fn default() -> Self {
        Self::Seen { outdated: None, written: None }
    }
}

impl Echo {
    /// Our own write has turned version `before` into `written`. They are equal if the API server found nothing to
    /// change.
    pub fn wrote(&mut self, before: &str, written: Option<String>) {
        if written.as_deref() != Some(before) {
            *self = Self::Awaited { outdated: before.to_owned(), written, met: 0 };
        }
    }

    /// Records that `version` is outdated. Returns how many reconciles have seen that.
    pub fn met_outdated(&mut self, version: &str) -> u32 {
        let (before, written) = match std::mem::take(self) {
            Self::Awaited { outdated, written, met } if outdated == version => (met, written),
            Self::Awaited { written, .. } => (0, written),
            Self::Seen { written, .. } => (0, written),
        };
        let met = before.saturating_add(1);
        *self = Self::Awaited { outdated: version.to_owned(), written, met };
        met
    }

    /// Whether `version` is outdated, and a newer one is in the store or expected from the watch.
    #[must_use]
    pub fn is_awaited_at(&self, version: &str) -> bool {
        match self {
            Self::Awaited { outdated, met, .. } => outdated == version && *met < MOST_MEETINGS,
            Self::Seen { outdated, .. } => outdated.as_deref() == Some(version),
        }
    }

    /// The watch has delivered `version`. Returns true if it is our own write, and no reconcile waits for it.
    pub fn arrived(&mut self, version: &str) -> bool {
        match self {
            Self::Awaited { outdated, written: Some(written), met } if written == version => {
                let is_waited_for = *met > 0;
                *self = Self::Seen { outdated: Some(std::mem::take(outdated)), written: Some(std::mem::take(written)) };
                !is_waited_for
            }
            Self::Seen { written: Some(written), .. } => written == version,
            Self::Seen { written: None, .. } | Self::Awaited { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reconcile_that_began_just_before_the_watch_delivered_our_write_is_put_off() {
        let mut echo = Echo::default();
        echo.wrote("1", Some("2".into()));
        assert!(echo.arrived("2"));
        assert!(echo.is_awaited_at("1") && !echo.is_awaited_at("2"));
        assert_eq!(echo.met_outdated("1"), 1);
        assert!(!echo.is_awaited_at("2"));
    }

    #[test]
    fn an_outdated_object_is_not_put_off_forever() {
        let mut echo = Echo::default();
        assert!(!echo.is_awaited_at("1"));
        echo.wrote("1", Some("1".into()));
        assert_eq!(echo, Echo::default(), "the server found nothing to change");
        let meetings = (1..=MOST_MEETINGS).map(|met| (echo.met_outdated("1") == met, echo.is_awaited_at("1")));
        assert!(meetings.take(7).all(|meeting| meeting == (true, true)));
        echo.met_outdated("1");
        assert!(!echo.is_awaited_at("1"));
    }
}
