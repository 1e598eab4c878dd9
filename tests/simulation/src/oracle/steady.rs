//! Since when one process has led, and could read and write the cluster.

use super::process;
use crate::time;

#[derive(Debug, Default)]
pub struct Steady {
    leader: Option<String>,
    since: f64,
}

impl Steady {
    /// The time, in seconds since the beginning.
    pub fn since(&self) -> f64 {
        self.since
    }

    /// It begins anew now.
    pub fn disturb(&mut self) {
        self.since = time::elapsed();
    }

    /// This process has the Lease now. `can_work`: whether this replica runs, and no fault strikes its requests.
    pub fn look(&mut self, leader: Option<&str>, can_work: impl Fn(usize) -> bool) {
        let works = leader.and_then(process).is_some_and(|(replica, _)| can_work(replica));
        if !works || leader != self.leader.as_deref() {
            self.leader = leader.map(str::to_owned);
            self.disturb();
        }
    }
}
