//! AWS in memory: the transport of the real SDK, and what AWS said when.

mod answer;
mod asked;
mod call;
mod facts;
mod present;

use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{Request, Response};
use parking_lot::Mutex;
use simulator::{Answer, World};
use tokio::time::sleep;

use crate::life::{Interaction, Life};
use crate::time;
use crate::trace::Trace;
use crate::weather::{OfAws, Sky};
use answer::{is_last_page, says_something, status_of};
use asked::Asked;
pub use call::Call;
pub use facts::Facts;
use present::Present;

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
        let (calls, history) = (Mutex::default(), Mutex::default());
        Ok(Self(Arc::new(Inner { present, past, forgetful, calls, history, trace })))
    }

    /// Takes note of what AWS has now.
    pub fn look(&self) {
        let facts = self.facts();
        let mut history = self.0.history.lock();
        if history.last().is_none_or(|(_, last)| !Arc::ptr_eq(last, &facts)) {
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

    /// Takes note of a call. Returns its number.
    pub fn note(&self, call: Call) -> usize {
        let mut calls = self.0.calls.lock();
        calls.push(call);
        calls.len() - 1
    }

    /// The answer to the call with this number has arrived.
    fn heard(&self, number: usize) {
        self.0.calls.lock()[number].heard = time::elapsed();
    }

    /// Reads the calls so far.
    pub fn calls<T>(&self, read: impl FnOnce(&[Call]) -> T) -> T {
        read(&self.0.calls.lock())
    }

    /// The answer to a request, and what it tells of, if it is whole.
    async fn says(
        &self,
        request: Request<Bytes>,
        strike: Option<&OfAws>,
        forgets: bool,
    ) -> (Answer, Option<Arc<Facts>>) {
        let Inner { present, past, forgetful, .. } = &*self.0;
        let is_late = matches!(strike, Some(OfAws::Late));
        let (world, at) = if is_late { (past, time::elapsed() - LAG) } else { (present, time::elapsed()) };
        let facts = world.facts(at);
        if let Some(OfAws::Fault(kind)) = strike {
            world.strike(kind.clone());
            return (world.answer(request).await, None);
        }
        let (world, facts) = if forgets { (forgetful, Arc::new(facts.without_amis())) } else { (world, facts) };
        let answer = world.answer(request).await;
        let is_said = says_something(&answer);
        (answer, is_said.then_some(facts))
    }

    /// The HTTP client of one process.
    pub fn transport(&self, caller: (usize, u32), sky: Option<Sky>, life: Life) -> Transport {
        Transport { aws: self.clone(), caller, sky, life }
    }
}

/// The way of one process to AWS.
#[derive(Clone)]
pub struct Transport {
    aws: Aws,
    caller: (usize, u32),
    /// `None`: always fair weather.
    sky: Option<Sky>,
    life: Life,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transport of {:?}", self.caller)
    }
}

impl HttpClient for Transport {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Transport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move { this.exchange(request).await })
    }
}

impl Transport {
    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let (asked, sent) = (Asked::of(request)?, time::elapsed());
        let strike = self.sky.as_ref().and_then(|sky| sky.aws(self.caller.0, &asked.operation));
        let interaction = self.life.interacts();
        if interaction == Interaction::Never || matches!(strike, Some(OfAws::Unreachable)) {
            return Err(reset());
        }
        self.takes_time(strike.as_ref()).await;
        let Asked { region, operation, is_retry, subjects, request } = asked;
        let forgets = operation == "DescribeImages" && self.sky.as_ref().is_some_and(Sky::has_forgotten_amis);
        let (answer, facts) = self.aws.says(request, strike.as_ref(), forgets).await;
        let mut number = None;
        if self.sky.is_some() {
            let how = strike.as_ref().map_or_else(String::new, |strike| format!(" struck by {strike:?}"));
            let how = if forgets { format!("{how} without AMIs") } else { how };
            let who = format!("replica {}.{}", self.caller.0, self.caller.1);
            self.aws.0.trace.note(who, format_args!("{operation} in {region} → {}{how}", status_of(&answer)));
            let (at, caller, heard, is_last_page) =
                (time::elapsed(), self.caller, f64::INFINITY, is_last_page(&answer));
            let call = Call { sent, at, caller, region, operation, is_retry, subjects, heard, is_last_page, facts };
            number = Some(self.aws.note(call));
        }
        self.takes_time(strike.as_ref()).await;
        if interaction == Interaction::Unheard {
            return Err(reset());
        }
        if let Some(number) = number {
            self.aws.heard(number);
        }
        deliver(answer)
    }

    /// One way, to AWS or back.
    async fn takes_time(&self, strike: Option<&OfAws>) {
        let Some(sky) = &self.sky else { return };
        match strike {
            Some(OfAws::Slow(most)) => sleep(sky.pause(*most)).await,
            Some(OfAws::Silent) => std::future::pending().await,
            _ => {
                if let Some(latency) = sky.latency() {
                    sleep(latency).await;
                }
            }
        }
    }
}

fn deliver(answer: Answer) -> Result<HttpResponse, ConnectorError> {
    match answer {
        Answer::Whole(reply) => {
            let (parts, body) = reply.into_parts();
            HttpResponse::try_from(Response::from_parts(parts, SdkBody::from(body)))
                .map_err(|error| ConnectorError::user(error.into()))
        }
        Answer::CutMidBody(_) | Answer::Reset => Err(reset()),
    }
}

fn reset() -> ConnectorError {
    ConnectorError::io(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into())
}
