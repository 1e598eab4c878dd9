//! The link between a client and the API server: what happens to each request, each watch and each watch event on its way.
//! The simulation decides it. The server only obeys.

use std::collections::BTreeMap;
use std::time::Duration;

/// A request, as the link sees it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The name of the client, such as that of a replica.
    pub client: String,
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub is_watch: bool,
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Answer,
    /// It takes `before` until the server does it, and `after` until the reply arrives. A client that gives up does not undo
    /// it: a request that is under way is still done later.
    Slow {
        before: Duration,
        after: Duration,
    },
    /// The server refuses it with this code. `retry_after` is in seconds.
    Refuse {
        code: u16,
        retry_after: Option<u32>,
    },
    /// It is not done: the connection fails.
    Unreachable,
    /// It is done, and then the connection fails.
    LostReply,
    /// It is done, and never answered.
    Hangs,
    /// It is not done, and never answered.
    Swallowed,
}

/// What happens to a watch, or to a list that the server may serve from its cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WatchFate {
    /// The connection ends after this time, without an error.
    pub ends_after: Option<Duration>,
    /// The server answers that the version is too old.
    pub gone: bool,
    /// The server's cache is so many versions old. Only a list with resourceVersion 0, streamed or not, shows it. A watch
    /// that begins with such a list goes on with what the cache had missed.
    pub stale_list: Option<u64>,
}

/// What happens to one event of a watch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventFate {
    #[default]
    Deliver,
    /// It arrives after this time, and so do those behind it.
    After(Duration),
    /// It arrives twice.
    Twice,
    /// The connection fails before it arrives.
    BreakOff,
}

/// Decides the fate of what passes between clients and the server.
pub trait Link: Send + Sync {
    /// Asked once for each attempt of a request.
    fn request(&self, request: &Asked) -> Fate;

    /// Asked at the beginning of each watch, and of each list with resourceVersion 0.
    fn watch(&self, client: &str) -> WatchFate;

    /// Asked for each event of a watch, also for bookmarks and the events of a streaming list.
    fn event(&self, client: &str) -> EventFate;
}

/// A link without faults.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faultless;

impl Link for Faultless {
    fn request(&self, _: &Asked) -> Fate {
        Fate::Answer
    }

    fn watch(&self, _: &str) -> WatchFate {
        WatchFate::default()
    }

    fn event(&self, _: &str) -> EventFate {
        EventFate::Deliver
    }
}
