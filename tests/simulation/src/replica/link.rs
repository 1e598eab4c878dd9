//! The way of one process to the API server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::api_server::{Asked, EventFate, Fate, Link, WatchFate};
use crate::life::{Interaction, Life};
use crate::trace::Trace;
use crate::weather::{OfApi, Sky};

/// The longest pause of a slow request. It is longer than two Leases last.
const SLOW: Duration = Duration::from_secs(150);

/// Strikes the requests of a process as the weather is, and all of them once it is killed.
pub struct ReplicaLink {
    /// The number of the replica.
    pub replica: usize,
    pub sky: Sky,
    pub life: Life,
    pub trace: Trace,
    /// Counts the requests that write something else than a Lease.
    pub write_requests: Arc<AtomicUsize>,
}

impl Link for ReplicaLink {
    fn request(&self, asked: &Asked) -> Fate {
        let is_write = asked.method != "GET" && !asked.path.contains("/leases");
        self.write_requests.fetch_add(usize::from(is_write), Ordering::Relaxed);
        let fate = match self.life.interacts() {
            Interaction::Happens => self.fate(&asked.path),
            Interaction::Never => return Fate::Unreachable,
            Interaction::Unheard => Fate::LostReply,
        };
        // A Lease is told of when it changes hands.
        if fate != Fate::Answer || !asked.path.contains("/leases") {
            let Asked { client, method, path, query, .. } = asked;
            self.trace.note(client, format_args!("{method} {path} {query:?} → {fate:?}"));
        }
        match (fate, self.sky.latency()) {
            (Fate::Answer, Some(before)) => Fate::Slow { before, after: self.sky.latency().unwrap_or_default() },
            (fate, _) => fate,
        }
    }

    fn watch(&self, _: &str) -> WatchFate {
        let fine = WatchFate::default();
        match self.sky.watch(self.replica, 4) {
            None => fine,
            Some(0) => WatchFate { gone: true, ..fine },
            Some(1) => WatchFate { ends_after: Some(self.sky.pause(Duration::from_secs(60))), ..fine },
            Some(2) => WatchFate { stale_list: Some(3), ..fine },
            Some(_) => WatchFate { ends_after: Some(Duration::ZERO), ..fine },
        }
    }

    fn event(&self, _: &str) -> EventFate {
        match self.sky.event(self.replica, 4) {
            None => EventFate::Deliver,
            Some(0) => EventFate::Twice,
            Some(1) => EventFate::BreakOff,
            Some(_) => EventFate::After(self.sky.pause(Duration::from_secs(30))),
        }
    }
}

impl ReplicaLink {
    fn fate(&self, path: &str) -> Fate {
        match self.sky.api(self.replica, path) {
            None => Fate::Answer,
            Some(OfApi::Slow) => Fate::Slow { before: self.sky.pause(SLOW), after: self.sky.pause(SLOW) },
            Some(OfApi::Refused(code)) => Fate::Refuse { code, retry_after: (code == 429).then_some(2) },
            Some(OfApi::Unreachable) => Fate::Unreachable,
            Some(OfApi::LostReply) => Fate::LostReply,
            Some(OfApi::Silent) => Fate::Hangs,
            Some(OfApi::Swallowed) => Fate::Swallowed,
        }
    }
}
