//! An API server in memory. It answers as kube-apiserver does, as far as the operator asks: lists, watches and writes of
//! CustomImages, Leases, Namespaces and Events. `tests/like_the_real_one.rs` holds it against a real one.
//!
//! Nothing in it is left to chance. It has no threads and no clock of its own, and everything waits in tokio's time. So two
//! runs with the same requests are the same, if the link's decisions are.
//!
//! - `transport` carries a request over the `link`, `request` reads it, `verbs` answers it.
//! - `store` has the objects, their versions and the history; `list` and `watch` serve from it.
//! - `write` changes it, by the rules of `managers` (server-side apply), `fields` (sets of fields), `shape` and `schema` (the
//!   CRD).
//! - `users` is what people and the simulation do, directly and at once. `log` is what oracles read.

mod fields;
pub mod link;
mod list;
pub mod log;
mod managers;
pub mod refusal;
mod request;
pub mod resource;
mod schema;
mod shape;
mod store;
mod transport;
mod users;
mod verbs;
mod watch;
mod watchers;
mod write;

#[cfg(test)]
mod tests;

pub use link::{Asked, EventFate, Fate, Faultless, Link, WatchFate};
pub use log::{LeaseWrite, Observer, StatusWrite, Write};
pub use refusal::Refusal;
pub use resource::Resource;
pub use store::Snapshot;

use customimage_operator::kubernetes::client;
use futures::FutureExt;
use futures::future::ready;
use jiff::Timestamp;
use kube::Client;
use kube::client::retry::RetryPolicy;
use parking_lot::Mutex;
use std::sync::Arc;
use store::Store;
use tower::ServiceBuilder;
use tower::retry::RetryLayer;
use transport::Transport;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The namespace of a client's own objects, such as its Lease.
pub const OWN_NAMESPACE: &str = "default";

/// A handle on the server. All clones are of the same server.
#[derive(Clone)]
pub struct ApiServer {
    store: Arc<Mutex<Store>>,
    log: Arc<Mutex<Log>>,
}

/// What was written, until somebody takes it.
#[derive(Default)]
struct Log {
    statuses: Vec<StatusWrite>,
    leases: Vec<LeaseWrite>,
    observer: Option<Observer>,
}

impl ApiServer {
    /// A server with the CRD and the namespaces of a new cluster. `now` is its clock.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let store = Arc::new(Mutex::new(Store::new(Box::new(now))));
        let server = Self { store, log: Arc::default() };
        for name in [OWN_NAMESPACE, "kube-node-lease", "kube-public", "kube-system"] {
            server.create_namespace(name, &[]);
        }
        server
    }

    /// The operator's own client, named `name`, whose requests pass `link`. It needs a runtime.
    pub fn client(&self, name: &str, link: Arc<dyn Link>) -> Client {
        let transport = Transport::new(self.clone(), name, link);
        let make = move || {
            let transport = transport.clone();
            let service = tower::service_fn(move |request| {
                let transport = transport.clone();
                async move { transport.send(request).await }
            });
            ServiceBuilder::new().layer(RetryLayer::new(RetryPolicy::default())).service(service)
        };
        let first = client::Transport::new(make());
        client::over(first, move || ready(Ok(client::Transport::new(make()))).boxed(), OWN_NAMESPACE)
    }

    /// The status writes since the last call. Those that an observer has seen are not kept.
    #[must_use]
    pub fn take_writes(&self) -> Vec<StatusWrite> {
        std::mem::take(&mut self.log.lock().statuses)
    }

    /// The Lease writes since the last call. Those that an observer has seen are not kept.
    #[must_use]
    pub fn take_lease_writes(&self) -> Vec<LeaseWrite> {
        std::mem::take(&mut self.log.lock().leases)
    }

    /// Calls `observer` after each write, in place of keeping it.
    pub fn on_write(&self, observer: Observer) {
        self.log.lock().observer = Some(observer);
    }

    fn note(&self, written: Vec<Write>) {
        // The observer may write, so it is called without a lock.
        let observer = self.log.lock().observer.take();
        if let Some(mut observer) = observer {
            written.iter().for_each(&mut observer);
            self.log.lock().observer.get_or_insert(observer);
            return;
        }
        let mut log = self.log.lock();
        for write in written {
            match write {
                Write::Status(write) => log.statuses.push(write),
                Write::Lease(write) => log.leases.push(write),
            }
        }
    }
}
