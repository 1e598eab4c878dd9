//! The HTTP client of one process: what strikes its calls, how long they take, and what AWS has said to them.

use std::fmt;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http::Response;
use simulator::Answer;
use tokio::time::sleep;

use super::answer::{is_last_page, status_of, with_each_entry_twice};
use super::asked::Asked;
use super::{Attempt, Aws, Call};
use crate::life::{Interaction, Life};
use crate::time;
use crate::weather::{OfAws, Sky};

/// How many of the images, stacks and ARNs that a call asks for are told.
const TOLD: usize = 20;

/// The way of one process to AWS.
#[derive(Clone)]
pub struct Transport {
    pub(super) aws: Aws,
    pub(super) caller: (usize, u32),
    /// `None`: always fair weather.
    pub(super) sky: Option<Sky>,
    pub(super) life: Life,
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
        let mut strike = self.sky.as_ref().and_then(|sky| sky.aws(self.caller.0, &asked.operation));
        let interaction = self.life.interacts();
        if interaction == Interaction::Never {
            return Err(reset());
        }
        let Asked { region, operation, is_retry, subjects, request } = asked;
        let attempt = self.sky.as_ref().map(|_| {
            let (region, operation, answered) = (region.clone(), operation.clone(), f64::INFINITY);
            self.aws.sends(Attempt { sent, caller: self.caller, region, operation, is_retry, answered })
        });
        if matches!(strike, Some(OfAws::Unreachable)) {
            return Err(reset());
        }
        self.takes_time(strike.as_ref()).await;
        let forgets = operation == "DescribeImages" && self.sky.as_ref().is_some_and(Sky::has_forgotten_amis);
        let (answer, facts) = self.aws.says(request, &mut strike, forgets).await;
        let repeats = self.sky.as_ref().is_some_and(Sky::repeats_entries);
        let answer = if repeats { with_each_entry_twice(answer) } else { answer };
        let mut numbers = None;
        if let Some(attempt) = attempt {
            let how = strike.as_ref().map_or_else(String::new, |strike| format!(" struck by {strike:?}"));
            let how = if forgets { format!("{how} without AMIs") } else { how };
            let how = if repeats { format!("{how} with each entry twice") } else { how };
            let of =
                subjects.iter().flatten().take(TOLD).fold(String::new(), |told, subject| format!("{told} {subject}"));
            let who = format!("replica {}.{}", self.caller.0, self.caller.1);
            self.aws.0.trace.note(who, format_args!("{operation}{of} in {region} → {}{how}", status_of(&answer)));
            let (at, caller, heard, is_last_page) =
                (time::elapsed(), self.caller, f64::INFINITY, is_last_page(&answer));
            let call = Call { sent, at, caller, region, operation, subjects, heard, is_last_page, facts };
            numbers = Some((attempt, self.aws.note(call)));
        }
        self.takes_time(strike.as_ref()).await;
        if interaction == Interaction::Unheard {
            return Err(reset());
        }
        if let Some((attempt, call)) = numbers {
            self.aws.heard(attempt, call);
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
