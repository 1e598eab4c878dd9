//! One watch: what it begins with, the changes that it brings, its bookmarks and its end.

use super::link::{EventFate, Link, WatchFate};
use super::list::{initial, shown};
use super::refusal::Refusal;
use super::request::Call;
use super::resource::meta;
use super::store::{Change, Store};
use super::{ApiServer, BoxError};
use bytes::Bytes;
use futures::Stream;
use hyper::body::Frame;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep, sleep_until};

/// Time between two bookmarks.
const BOOKMARKS: Duration = Duration::from_secs(60);

/// The last bookmark comes so long before the end.
const BEFORE_END: Duration = Duration::from_secs(2);

/// How long a watch lasts that names no time.
const LONGEST: Duration = Duration::from_secs(1800);

/// The annotation of the bookmark that ends a streaming list.
const INITIAL_END: &str = "k8s.io/initial-events-end";

/// An open watch.
pub(super) struct Watch {
    server: ApiServer,
    number: u64,
    changes: UnboundedReceiver<Arc<Change>>,
    call: Call,
    client: String,
    link: Arc<dyn Link>,
    /// Events that are sent first.
    first: VecDeque<Value>,
    /// The version at which it began. No bookmark of that version or an older one is sent.
    since: u64,
    /// The version of the last bookmark or event. No older one is sent.
    version: u64,
    next_bookmark: Option<Instant>,
    ends: Instant,
    state: State,
}

/// What comes after the events that are sent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Nothing: an error was sent.
    Ended,
}

/// What a watch begins with.
#[derive(Default)]
struct Beginning {
    first: VecDeque<Value>,
    version: u64,
    is_error: bool,
}

impl Watch {
    pub(super) fn open(
        server: &ApiServer,
        client: &str,
        link: &Arc<dyn Link>,
        call: Call,
        fate: WatchFate,
    ) -> Result<Self, Refusal> {
        let seconds = call.number("timeoutSeconds")?.filter(|seconds| *seconds > 0);
        let asked = seconds.map_or(LONGEST, Duration::from_secs);
        let now = Instant::now();
        let ends = now + fate.ends_after.map_or(asked, |after| after.min(asked));
        let mut store = server.store.lock();
        let Beginning { first, version, is_error } = beginning(&store, &call, fate)?;
        let (number, changes) = store.watchers.open(call.resource);
        let next_bookmark = call.is_set("allowWatchBookmarks").then(|| bookmark_after(now, ends)).flatten();
        let state = if is_error { State::Ended } else { State::Open };
        let (server, client, link) = (server.clone(), client.to_owned(), link.clone());
        Ok(Self {
            server,
            number,
            changes,
            call,
            client,
            link,
            first,
            since: version,
            version,
            next_bookmark,
            ends,
            state,
        })
    }

    /// The body of the reply. Each frame is one line: one event.
    pub(super) fn into_frames(self) -> impl Stream<Item = Result<Frame<Bytes>, BoxError>> + Send {
        futures::stream::unfold(Some(self), |watch| async move {
            let mut watch = watch?;
            let event = watch.next().await?;
            let mut line = event.to_string().into_bytes();
            line.push(b'\n');
            let frame = |line: &[u8]| Ok(Frame::data(Bytes::copy_from_slice(line)));
            match watch.link.event(&watch.client) {
                EventFate::Deliver => Some((frame(&line), Some(watch))),
                EventFate::After(pause) => {
                    sleep(pause).await;
                    Some((frame(&line), Some(watch)))
                }
                EventFate::Twice => Some((frame(&line.repeat(2)), Some(watch))),
                EventFate::BreakOff => Some((Err(io::Error::from(io::ErrorKind::ConnectionReset).into()), None)),
            }
        })
    }

    /// The next event. `None` at the end.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(event) = self.first.pop_front() {
                return Some(event);
            }
            if self.state == State::Ended {
                return None;
            }
            let bookmark = self.next_bookmark.unwrap_or(self.ends);
            tokio::select! {
                biased;
                change = self.changes.recv() => match change {
                    None => return None,
                    Some(change) => {
                        let event = self.event_of(&change);
                        self.first.extend(event);
                    }
                },
                () = sleep_until(self.ends) => return None,
                () = sleep_until(bookmark) => {
                    self.next_bookmark = bookmark_after(Instant::now(), self.ends);
                    let version = self.server.store.lock().version;
                    // A store that was set back has a lower one.
                    if version > self.since && version >= self.version {
                        self.version = version;
                        self.first.push_back(bookmark_at(&self.call, version, false));
                    }
                }
            }
        }
    }

    fn event_of(&mut self, change: &Change) -> Option<Value> {
        if change.version <= self.version {
            return None;
        }
        self.version = change.version;
        event(change, &self.call)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.server.store.lock().watchers.close(self.number);
    }
}

fn bookmark_after(now: Instant, ends: Instant) -> Option<Instant> {
    let last = ends.checked_sub(BEFORE_END)?;
    (now < last).then(|| last.min(now + BOOKMARKS))
}

fn beginning(store: &Store, call: &Call, fate: WatchFate) -> Result<Beginning, Refusal> {
    let asked = call.number("resourceVersion")?;
    let is_streaming = call.is_set("sendInitialEvents");
    if is_streaming && call.parameter("resourceVersionMatch") != "NotOlderThan" {
        let message =
            "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        return Err(Refusal::bad_request(format!("ListOptions.meta.k8s.io \"\" is invalid: {message}")));
    }
    if fate.gone {
        return Ok(gone(&Refusal::too_old(asked.unwrap_or(0), store.version)));
    }
    let stale = fate.stale_list.unwrap_or(0);
    let version = match asked {
        None => store.version,
        Some(0) => store.version_before(call.resource, stale),
        Some(asked) if is_streaming && asked > store.version => return Err(Refusal::too_large(asked, store.version)),
        Some(_) if is_streaming => store.version,
        Some(asked) if asked < store.forgotten(call.resource) => {
            return Ok(gone(&Refusal::too_old(asked, store.forgotten(call.resource))));
        }
        Some(asked) => {
            return Ok(Beginning {
                first: missed(store, call, asked),
                version: store.version.max(asked),
                is_error: false,
            });
        }
    };
    let objects = store.all_at(call.resource, version);
    let added =
        initial(&objects, call).into_iter().map(|object| json!({"type": "ADDED", "object": shown(call, &object)}));
    let end = is_streaming.then(|| bookmark_at(call, version, true));
    let first = added.chain(end).chain(missed(store, call, version)).collect();
    Ok(Beginning { first, version: store.version, is_error: false })
}

/// The events after `version`.
fn missed(store: &Store, call: &Call, version: u64) -> VecDeque<Value> {
    store.changes_after(call.resource, version).iter().filter_map(|change| event(change, call)).collect()
}

/// An error is an event, too, because the reply has begun.
fn gone(refusal: &Refusal) -> Beginning {
    let event = json!({"type": "ERROR", "object": refusal.status()});
    Beginning { first: VecDeque::from([event]), version: 0, is_error: true }
}

/// A change, as those see it who watch only some objects.
fn event(change: &Change, call: &Call) -> Option<Value> {
    let selected = |object: &Option<Arc<Value>>| object.clone().filter(|object| call.selects(object));
    let (kind, object) = match (selected(&change.before), selected(&change.after)) {
        (None, Some(after)) => ("ADDED", after),
        (Some(_), Some(after)) => ("MODIFIED", after),
        (Some(before), None) => ("DELETED", before),
        (None, None) => return None,
    };
    let mut object = shown(call, &object);
    object["metadata"]["resourceVersion"] = json!(change.version.to_string());
    debug_assert!(!meta(&object, "name").is_empty());
    Some(json!({"type": kind, "object": object}))
}

fn bookmark_at(call: &Call, version: u64, ends_list: bool) -> Value {
    let mut metadata = json!({"resourceVersion": version.to_string()});
    if ends_list {
        metadata["annotations"] = json!({INITIAL_END: "true"});
    }
    let mut object = shown(call, &call.resource.empty());
    object["metadata"] = metadata;
    json!({"type": "BOOKMARK", "object": object})
}
