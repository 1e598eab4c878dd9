//! The AWS simulator: the AWS operations that `describeImage` and the story of a build call, in AWS's own wire protocols,
//! on one port. For tests and demos only. One [`World`] document is the whole state; README.md of this crate shows all
//! of it.
//!
//! - `server`, `request`, `reply`: HTTP, and connection failures on purpose
//! - `dispatch`: one request's way through `caller` (who, where), `fault`, `limit`, its service, and the `call` log
//! - `ec2`, `cloudformation`, `imagebuilder`, `logs`, `s3`, `sts`: one file per service; `service`: the error format of
//!   each
//! - `world`: the document of the state; `state`, `clock`, `timeline`: the running state
//! - `in_process`: the same without HTTP's socket
//! - `control`: the library's methods over HTTP, under `/_simulator/`

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
mod in_process;
mod limit;
mod logs;
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
pub use in_process::{Answer, InProcess};
pub use world::{
    Action, Answers, BlockDevice, Bucket, Build, ClockMode, ClockSetting, Credential, Defaults, Event, Fault,
    FaultKind, Image, ImageBuildVersion, Limit, LogEvent, LogGroup, LogStream, Millis, Object, Outcome, OutputAmi,
    Role, Stack, StackEvent, StackResource, StateReason, Tag, Times, World, aws_limits,
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
    /// Starts a simulator on a free loopback port, on the caller's tokio runtime.
    ///
    /// # Panics
    /// If the world is invalid (the message says where) or no port is free. A test cannot go on without a simulator.
    #[expect(clippy::panic, reason = "an invalid world is a mistake in the test that wrote it")]
    pub async fn start(world: World) -> Self {
        match Self::listen(SocketAddr::from(([127, 0, 0, 1], 0)), world).await {
            Ok(simulator) => simulator,
            Err(problem) => panic!("simulator: {problem}"),
        }
    }

    /// Like [`Simulator::start`], on the given address.
    ///
    /// # Errors
    /// `InvalidInput` if the world is invalid; otherwise the error of binding the address.
    pub async fn listen(address: SocketAddr, world: World) -> io::Result<Self> {
        Self::serve(address, None, world).await
    }

    /// Like [`Simulator::listen`], over TLS. `certificate` and `key` are PEM files.
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

    /// The value for AWS_ENDPOINT_URL: `http://127.0.0.1:PORT`, or https over TLS, without a slash at the end.
    pub fn endpoint(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Changes the state in place, between two requests. The `starts_after` of a new build counts from now.
    ///
    /// # Panics
    /// If the world is invalid after the change.
    #[expect(clippy::panic, reason = "an invalid world is a mistake in the test that changed it")]
    pub fn world<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let mut state = self.shared.lock();
        state.catch_up();
        let result = change(&mut state.world);
        if let Err(problem) = state.world_changed() {
            panic!("simulator: {problem}");
        }
        result
    }

    /// The latest calls, oldest first, at most 20 000. The counts include older calls, too.
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

    /// The largest number of values in one filter of all DescribeImages calls.
    pub fn max_filter_values(&self) -> usize {
        self.shared.lock().calls.max_filter_values()
    }

    /// All User-Agents of the calls, without duplicates.
    pub fn user_agents(&self) -> Vec<String> {
        self.shared.lock().calls.user_agents()
    }

    pub fn reset_calls(&self) {
        self.shared.lock().calls = Default::default();
    }

    /// Moves the world's clock forward. Everything that becomes due happens.
    pub fn advance(&self, by: Duration) {
        let mut state = self.shared.lock();
        state.clock.advance(by.as_secs_f64());
        state.catch_up();
    }

    /// The time of the world's clock, in RFC 3339.
    pub fn now(&self) -> String {
        clock::written(self.shared.lock().clock.now())
    }

    /// # Panics
    /// If the fault names an unknown service.
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
