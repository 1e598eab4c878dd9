//! AWS in memory, and what it said when. `transport` is the way of the real SDK to it.

mod answer;
mod asked;
mod call;
mod facts;
mod present;
mod transport;

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use parking_lot::Mutex;
use simulator::{Answer, World};

use crate::life::Life;
use crate::time;
use crate::trace::Trace;
use crate::weather::{OfAws, Sky};
use answer::{is_of_pages, says_something};
pub use call::{Attempt, Call};
pub use facts::Facts;
use present::Present;
pub use transport::Transport;

/// How much older a late answer is, in seconds.
const LAG: f64 = 8.0;

/// AWS, as all replicas see it. All clones share it.
#[derive(Clone)]
pub struct Aws(Arc<Inner>);

struct Inner {
    present: Present,
    /// The same world, some seconds ago.
    past: Present,
    /// A world without AMIs.
    forgetful: Present,
    attempts: Mutex<Vec<Attempt>>,
    calls: Mutex<Vec<Call>>,
    /// What AWS had, and from when on.
    history: Mutex<Vec<(f64, Arc<Facts>)>>,
    trace: Trace,
}

impl Aws {
    /// # Errors
    /// If the world is invalid.
    pub fn new(world: World, trace: Trace) -> std::io::Result<Self> {
        let (present, past) = (Present::new(world.clone())?, Present::new(world)?);
        let forgetful = Present::new(World::default())?;
        let (attempts, calls, history) = Default::default();
        Ok(Self(Arc::new(Inner { present, past, forgetful, attempts, calls, history, trace })))
    }

    /// Takes note of what AWS has now.
    pub fn look(&self) {
        let facts = self.facts();
        let mut history = self.0.history.lock();
        let last = history.last().map(|(_, last)| last.clone()).unwrap_or_default();
        if history.is_empty() || !Arc::ptr_eq(&last, &facts) {
            facts.changes(&last).iter().for_each(|change| self.0.trace.note("AWS", change));
            history.push((time::elapsed(), facts));
        }
    }

    /// Whether AWS had something at any time since `from`.
    pub fn had_since(&self, from: f64, is_so: impl Fn(&Facts) -> bool) -> bool {
        self.since(from).iter().any(|facts| is_so(facts))
    }

    /// Whether AWS has had something all the time since `from`.
    pub fn always_had_since(&self, from: f64, is_so: impl Fn(&Facts) -> bool) -> bool {
        self.since(from).iter().all(|facts| is_so(facts))
    }

    /// The states since `from`, with the one of that moment.
    fn since(&self, from: f64) -> Vec<Arc<Facts>> {
        let history = self.0.history.lock();
        let first = history.iter().rposition(|(at, _)| *at <= from).unwrap_or(0);
        history[first..].iter().map(|(_, facts)| facts.clone()).collect()
    }

    /// What AWS has now.
    pub fn facts(&self) -> Arc<Facts> {
        self.0.present.facts(time::elapsed())
    }

    /// Takes note of a request that was sent. Returns its number.
    pub fn sends(&self, attempt: Attempt) -> usize {
        push(&self.0.attempts, attempt)
    }

    /// Reads the requests so far.
    pub fn attempts<T>(&self, read: impl FnOnce(&[Attempt]) -> T) -> T {
        read(&self.0.attempts.lock())
    }

    /// Takes note of a call. Returns its number.
    pub fn note(&self, call: Call) -> usize {
        push(&self.0.calls, call)
    }

    /// The answer has arrived: to the request and the call with these numbers.
    fn heard(&self, attempt: usize, call: usize) {
        let (now, call) = (time::elapsed(), &mut self.0.calls.lock()[call]);
        call.heard = now;
        if call.facts.is_some() {
            self.0.attempts.lock()[attempt].answered = now;
        }
    }

    /// Reads the calls so far.
    pub fn calls<T>(&self, read: impl FnOnce(&[Call]) -> T) -> T {
        read(&self.0.calls.lock())
    }

    /// The answer to a request, and what it tells of, if it is whole. `strike`: none if it cannot strike this answer.
    async fn says(
        &self,
        request: Request<Bytes>,
        strike: &mut Option<OfAws>,
        forgets: bool,
    ) -> (Answer, Option<Arc<Facts>>) {
        let Inner { present, past, forgetful, .. } = &*self.0;
        if matches!(strike, Some(OfAws::Late)) && !forgets {
            let facts = past.facts(time::elapsed() - LAG);
            let answer = past.answer(request.clone()).await;
            if !is_of_pages(&request, &answer) {
                let is_said = says_something(&answer);
                return (answer, is_said.then_some(facts));
            }
            // Each world knows only its own lists, so one that has pages is not late.
            *strike = None;
        }
        let facts = present.facts(time::elapsed());
        if let Some(OfAws::Fault(kind)) = strike {
            present.strike(kind.clone());
            return (present.answer(request).await, None);
        }
        let (world, facts) = if forgets { (forgetful, Arc::new(facts.without_amis())) } else { (present, facts) };
        let answer = world.answer(request).await;
        let is_said = says_something(&answer);
        (answer, is_said.then_some(facts))
    }

    /// The HTTP client of one process.
    pub fn transport(&self, caller: (usize, u32), sky: Option<Sky>, life: Life) -> Transport {
        Transport { aws: self.clone(), caller, sky, life }
    }
}

/// The number of the new entry.
fn push<T>(list: &Mutex<Vec<T>>, entry: T) -> usize {
    let mut list = list.lock();
    list.push(entry);
    list.len() - 1
}
