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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::trace::Trace;
    use crate::weather::Sky;
    use std::time::Duration;
    use tokio::time::sleep;

    type Deed = fn(&mut Replica);

    fn ends_by_itself(replica: &mut Replica) {
        replica.terminate();
        replica.told_to_end = None;
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_panics_fails_when_a_process_ends_by_itself_or_not_when_it_is_told_to() {
        time::begin();
        let deeds: [(Deed, Option<&str>); 4] = [
            (Replica::terminate, None),
            (|replica| replica.kill(), Some("nothing panics: task")),
            (ends_by_itself, Some("ended by itself: Stopped")),
            (|replica| replica.told_to_end = Some(-2.0 * ENDS), Some("replica 0 does not end")),
        ];
        for (deed, expected) in deeds {
            let plan = Plan::of(0, 0.1);
            let stage = Stage::new(&plan, Sky::new(0, plan.latency), Trace::default()).unwrap();
            let mut processes = Processes::start(&stage, 1);
            sleep(Duration::from_secs(60)).await;
            processes.look(&stage, true).await;
            assert_eq!(stage.trace.failure(), None);
            deed(&mut processes.running[0]);
            sleep(Duration::from_secs(120)).await;
            processes.look(&stage, true).await;
            let failure = stage.trace.failure();
            let is_found = expected.is_none_or(|expected| failure.as_ref().is_some_and(|said| said.contains(expected)));
            assert!(is_found && failure.is_some() == expected.is_some(), "{expected:?}: {failure:?}");
        }
    }
}
