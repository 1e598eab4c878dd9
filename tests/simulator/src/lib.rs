//! The AWS simulator: what `describeImage` asks of AWS, in AWS's own wire protocols, on one plain-HTTP loopback port.
//! Dev-only. The state is one [`World`] document; README.md beside this crate shows it whole.
//!
//! - `server`, `request`, `reply`: HTTP, and its accidents on purpose
//! - `dispatch`: one request's way through `caller` (who, where), `fault`, `limit`, its service, and the `call` record
//! - `ec2`, `cloudformation`, `imagebuilder`, `s3`, `sts`: one file a service; `service` knows how each writes its errors
//! - `world`: the state's document; `state`, `clock`, `timeline`: the state as it lives
//! - `control`: the library's calls over HTTP, below `/_simulator/`

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod call;
mod caller;
mod clock;
mod cloudformation;
mod control;
mod digest;
mod dispatch;
mod ec2;
mod fault;
mod imagebuilder;
mod limit;
mod reply;
mod request;
mod s3;
mod server;
mod service;
mod shuffle;
mod state;
mod sts;
mod timeline;
mod world;
mod xml;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub use call::{Call, CallCount};
pub use world::{
    Action, Answers, BlockDevice, Bucket, Build, ClockMode, ClockSetting, Credential, Defaults, Event, Fault,
    FaultKind, Image, ImageBuildVersion, Limit, Object, Outcome, OutputAmi, Role, Stack, StackResource, StateReason,
    Tag, Times, World, aws_limits,
};

use dispatch::Shared;
use state::State;

/// A running simulator. Dropping it closes the port and all connections.
pub struct Simulator {
    address: SocketAddr,
    scheme: &'static str,
    shared: Shared,
    server: JoinHandle<std::convert::Infallible>,
}

impl Simulator {
    /// On a free loopback port, on the caller's tokio runtime.
    ///
    /// # Panics
    /// When the world is wrong (the message says where) or no port can be had: in a test there is nothing else to do.
    #[expect(clippy::panic, reason = "the test that wrote the world is told so where it stands")]
    pub async fn start(world: World) -> Self {
        match Self::listen(SocketAddr::from(([127, 0, 0, 1], 0)), world).await {
            Ok(simulator) => simulator,
            Err(problem) => panic!("simulator: {problem}"),
        }
    }

    /// As [`Simulator::start`], on a given address. A wrong world is `InvalidInput`.
    pub async fn listen(address: SocketAddr, world: World) -> io::Result<Self> {
        Self::serve(address, None, world).await
    }

    /// As [`Simulator::listen`], over TLS with a certificate and its key, both PEM files.
    pub async fn listen_tls(address: SocketAddr, certificate: &Path, key: &Path, world: World) -> io::Result<Self> {
        Self::serve(address, Some(server::acceptor(certificate, key)?), world).await
    }

    async fn serve(address: SocketAddr, tls: Option<TlsAcceptor>, world: World) -> io::Result<Self> {
        let state = State::new(world).map_err(|problem| io::Error::new(io::ErrorKind::InvalidInput, problem))?;
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Shared::new(state);
        let scheme = if tls.is_some() { "https" } else { "http" };
        let server = tokio::spawn(server::serve(listener, tls, shared.clone()));
        Ok(Self { address, scheme, shared, server })
    }

    /// For AWS_ENDPOINT_URL: `http://127.0.0.1:PORT`, with https over TLS, without a slash at the end.
    pub fn endpoint(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Changes the state in place, between two requests. New builds start now.
    ///
    /// # Panics
    /// When the change leaves a wrong world.
    #[expect(clippy::panic, reason = "the test that changed the world is told so where it stands")]
    pub fn world<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let mut state = self.shared.lock();
        state.catch_up();
        let result = change(&mut state.world);
        if let Err(problem) = state.world_changed() {
            panic!("simulator: {problem}");
        }
        result
    }

    /// The latest calls, oldest first, 20 000 at most; counts go on beyond.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.lock().calls.calls()
    }

    /// How often an operation was called, over all regions, accounts and outcomes: `count("ec2", "DescribeImages")`.
    pub fn count(&self, service: &str, operation: &str) -> u64 {
        self.shared.lock().calls.count(service, operation)
    }

    pub fn counts(&self) -> Vec<CallCount> {
        self.shared.lock().calls.counts()
    }

    /// How many calls would have changed something in AWS.
    pub fn writes(&self) -> u64 {
        self.shared.lock().calls.writes()
    }

    /// The most values that a filter of a DescribeImages call had.
    pub fn max_filter_values(&self) -> usize {
        self.shared.lock().calls.max_filter_values()
    }

    /// Each User-Agent seen, once.
    pub fn user_agents(&self) -> Vec<String> {
        self.shared.lock().calls.user_agents()
    }

    pub fn reset_calls(&self) {
        self.shared.lock().calls = Default::default();
    }

    /// Moves the world's clock on; all that becomes due happens.
    pub fn advance(&self, by: Duration) {
        let mut state = self.shared.lock();
        state.clock.advance(by.as_secs_f64());
        state.catch_up();
    }

    /// The world's time, RFC 3339.
    pub fn now(&self) -> String {
        clock::written(self.shared.lock().clock.now())
    }

    /// # Panics
    /// When the fault names a service that there is not.
    pub fn fault(&self, fault: Fault) {
        self.world(|world| world.faults.push(fault));
    }

    pub fn clear_faults(&self) {
        self.shared.lock().world.faults.clear();
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.server.abort();
    }
}
