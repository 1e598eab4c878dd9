//! The running state: the world document, its clock, and the state that requests add.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::call::CallLog;
use crate::clock::{Clock, written};
use crate::ec2::Lists;
use crate::limit::Buckets;
use crate::timeline;
use crate::world::World;

pub(crate) struct State {
    pub world: World,
    pub clock: Clock,
    pub calls: CallLog,
    pub buckets: Buckets,
    /// Sessions that AssumeRole has issued, by access key.
    pub sessions: HashMap<String, Session>,
    /// DescribeImages' lists that have further pages.
    pub image_lists: Lists,
    /// World seconds until which no event and no build step is due.
    next_change: f64,
    numbers: u64,
}

pub(crate) struct Session {
    pub arn: String,
    pub role_id: String,
    pub expires: Timestamp,
}

impl State {
    pub fn new(world: World) -> Result<Self, String> {
        let clock = Clock::new(&world.clock)?;
        let mut state = Self {
            world,
            clock,
            calls: CallLog::default(),
            buckets: Buckets::default(),
            sessions: HashMap::new(),
            image_lists: Lists::default(),
            next_change: 0.0,
            numbers: 0,
        };
        state.world_changed()?;
        Ok(state)
    }

    /// Starts over with another world. The call log and the lists stay. If the world is invalid, nothing changes.
    pub fn replace(&mut self, world: World) -> Result<(), String> {
        let mut fresh = Self::new(world)?;
        fresh.calls = std::mem::take(&mut self.calls);
        fresh.image_lists = std::mem::take(&mut self.image_lists);
        fresh.numbers = self.numbers;
        *self = fresh;
        Ok(())
    }

    /// Must be called after each change of the document. Fills in defaults, and sets the start of new builds.
    pub fn world_changed(&mut self) -> Result<(), String> {
        self.world.settle()?;
        let elapsed = self.clock.elapsed();
        for build in self.world.builds.iter_mut().filter(|build| build.started.is_none()) {
            build.started = Some(elapsed + build.starts_after);
        }
        self.next_change = 0.0;
        self.catch_up();
        Ok(())
    }

    /// Applies everything that is due.
    pub fn catch_up(&mut self) {
        let elapsed = self.clock.elapsed();
        if elapsed < self.next_change {
            return;
        }
        let clock = &self.clock;
        timeline::catch_up(&mut self.world, elapsed, |at| written(clock.at(at)));
        self.next_change = timeline::next_change(&self.world);
    }

    /// World seconds of the next change that is due by itself.
    pub fn next_change(&self) -> f64 {
        self.next_change
    }

    pub fn session_is_over(&self, access_key: &str) -> bool {
        self.sessions.get(access_key).is_some_and(|session| session.expires <= self.clock.now())
    }

    /// A number that this method has not returned before.
    pub fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }
}
