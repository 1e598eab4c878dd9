//! The processes of the operator, which start again a moment after they have ended.

use crate::replica::{RESTART, Replica, Stage};
use crate::time;
use customimage_operator::kubernetes::leadership::lease::Ended;

/// A process that was told to end has ended after this time, in seconds: when its reconciles have, and the Lease is released.
const ENDS: f64 = 600.0;

/// All processes, by the number of the replica.
pub struct Processes {
    running: Vec<Replica>,
    /// When a process that has ended starts again.
    restarts: Vec<Option<f64>>,
}

impl Processes {
    pub fn start(stage: &Stage, replicas: usize) -> Self {
        let running = (0..replicas).map(|number| Replica::start(stage, number, 0)).collect();
        Self { running, restarts: vec![None; replicas] }
    }

    /// Kills a process now.
    pub fn kill(&mut self, number: usize) {
        self.running[number].kill();
        self.restarts[number].get_or_insert(time::elapsed() + RESTART.as_secs_f64());
    }

    /// Ends a process as SIGTERM does.
    pub fn terminate(&mut self, number: usize) {
        self.running[number].terminate();
    }

    /// Whether this replica has a process.
    pub fn runs(&self, number: usize) -> bool {
        self.restarts[number].is_none()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Replica> {
        self.running.iter()
    }

    /// Starts those again whose time has come. `is_calm`: there is no reason to end.
    pub async fn look(&mut self, stage: &Stage, is_calm: bool) {
        let now = time::elapsed();
        for number in 0..self.running.len() {
            if self.restarts[number].is_none() {
                let told = self.running[number].told_to_end;
                match self.running[number].ended().await {
                    Some(Err(panic)) => stage.trace.fail("nothing panics", panic),
                    Some(Ok(ended)) if told.is_none() && (is_calm || ended == Ended::Stopped) => {
                        let what = format_args!("replica {number} has ended by itself: {ended:?}");
                        stage.trace.fail("nothing panics", what);
                    }
                    Some(Ok(_)) => {}
                    None if self.running[number].alive.is_over() => {}
                    None if told.is_some_and(|told| now > told + ENDS) => {
                        stage.trace.fail("nothing panics", format_args!("replica {number} does not end"));
                    }
                    None => continue,
                }
                self.kill(number);
            }
            if self.restarts[number].take_if(|at| *at <= now).is_some() {
                let life = self.running[number].life + 1;
                self.running[number] = Replica::start(stage, number, life);
            }
        }
    }
}
