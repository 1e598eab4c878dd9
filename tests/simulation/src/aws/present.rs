//! The simulator, at a moment of its own.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use simulator::{Answer, ClockMode, ClockSetting, Fault, FaultKind, InProcess, Times, World};

use super::Facts;
use crate::time;

/// A world that moves on when it is asked.
pub struct Present {
    world: InProcess,
    /// What it has, and until when.
    facts: Mutex<(Arc<Facts>, f64)>,
}

impl Present {
    /// It begins now.
    ///
    /// # Errors
    /// If the world is invalid.
    pub fn new(world: World) -> io::Result<Self> {
        let clock =
            ClockSetting { mode: ClockMode::Manual, start: Some(time::now().to_string()), ..ClockSetting::default() };
        let world = InProcess::new(World { clock, ..world })?;
        Ok(Self { world, facts: Mutex::new((Arc::default(), f64::NEG_INFINITY)) })
    }

    /// What it has, so many seconds after the beginning. Its clock moves there.
    pub fn facts(&self, elapsed: f64) -> Arc<Facts> {
        let mut known = self.facts.lock();
        if elapsed < known.1 {
            self.world.at(elapsed, |_| ());
        } else {
            let facts = Arc::new(self.world.at(elapsed, Facts::of));
            *known = (if *known.0 == *facts { known.0.clone() } else { facts }, self.world.next_change());
        }
        known.0.clone()
    }

    /// Strikes its next answer.
    pub fn strike(&self, kind: FaultKind) {
        let (service, operation, region, account) = (None, None, None, None);
        self.world.fault(Fault { service, operation, region, account, skip: 0, times: Times::Count(1), kind });
    }

    pub async fn answer(&self, request: http::Request<Bytes>) -> Answer {
        self.world.answer(request).await
    }
}
