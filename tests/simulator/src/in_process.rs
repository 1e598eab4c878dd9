//! The simulator without a socket: the same answers to the same requests, in the caller's process and time.

use std::io;

use bytes::Bytes;
use hyper::{Request, Response};

use crate::control::control;
use crate::dispatch::{Shared, dispatch};
use crate::reply::Delivery;
use crate::request;
use crate::server::response;
use crate::state::State;
use crate::world::{Fault, World};

/// A world that answers requests. Its clock stands still until it is advanced.
#[derive(Clone)]
pub struct InProcess(Shared);

/// How an answer arrives.
#[derive(Debug)]
pub enum Answer {
    Whole(Response<Bytes>),
    /// The headers speak of the whole body, and only half of it arrives.
    CutMidBody(Response<Bytes>),
    /// The connection is reset without a byte.
    Reset,
}

impl InProcess {
    /// # Errors
    /// `InvalidInput` if the world is invalid.
    pub fn new(world: World) -> io::Result<Self> {
        let state = State::new(world).map_err(|problem| io::Error::new(io::ErrorKind::InvalidInput, problem))?;
        Ok(Self(Shared::new(state)))
    }

    /// Answers one request.
    pub async fn answer(&self, request: Request<Bytes>) -> Answer {
        let (parts, body) = request.into_parts();
        let request = request::Request::new(parts, body);
        let delivery = match control(&request, &self.0) {
            Some(reply) => Delivery::Whole(reply),
            None => dispatch(request, &self.0).await,
        };
        match delivery {
            Delivery::Whole(reply) => Answer::Whole(response(reply, |body| body)),
            Delivery::CutMidBody(reply) => Answer::CutMidBody(response(reply, |body| body.slice(..body.len() / 2))),
            Delivery::Reset => Answer::Reset,
        }
    }

    /// Moves a manual clock to `elapsed` seconds after the world was loaded, and reads the world then. Everything that
    /// becomes due happens.
    pub fn at<T>(&self, elapsed: f64, read: impl FnOnce(&World) -> T) -> T {
        let mut state = self.0.lock();
        let by = elapsed - state.clock.elapsed();
        state.clock.advance(by.max(0.0));
        state.catch_up();
        read(&state.world)
    }

    /// The time of the next change in seconds after the world was loaded, if nobody makes another one; infinity if there is
    /// none.
    pub fn next_change(&self) -> f64 {
        self.0.lock().next_change()
    }

    /// Adds a fault. The world must have no invalid one.
    pub fn fault(&self, fault: Fault) {
        self.0.lock().world.faults.push(fault);
    }
}
