//! The interceptor that reports every attempt of a call to AWS, retries included, to a sink: service, operation,
//! outcome and latency. It also informs the rate limits and the credentials.

use super::clients::RateLimits;
use super::credentials::Renewed;
use super::sink::{Call, CallOutcome, CallSink};
use super::throttling::{TOO_MANY_REQUESTS, code_of, is_throttling_code};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, Metadata};
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Debug)]
struct StartedAt(Instant);

impl Storable for StartedAt {
    type Storer = StoreReplace<Self>;
}

/// The access key that signed an attempt.
#[derive(Debug)]
struct SignedWith(String);

impl Storable for SignedWith {
    type Storer = StoreReplace<Self>;
}

/// The interceptor of all clients but STS. It sees each attempt, while the caller sees only the last one. So the rate
/// limits count retries and throttling here.
#[derive(Debug)]
pub(super) struct TellSink {
    pub sink: Arc<dyn CallSink>,
    pub rate_limits: Arc<RateLimits>,
    pub renewed: Option<Renewed>,
}

#[dyn_dispatch_hint]
impl Intercept for TellSink {
    fn name(&self) -> &'static str {
        "TellSink"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let is_retry = bag.load::<RequestAttempts>().is_some_and(|attempts| attempts.attempts() > 1);
        let rate_limit = bag.load::<Metadata>().and_then(|metadata| self.rate_limits.of(metadata.name()));
        if let (true, Some(rate_limit)) = (is_retry, rate_limit) {
            rate_limit.owe();
        }
        bag.interceptor_state().store_put(StartedAt(Instant::now()));
        Ok(())
    }

    /// Reads the access key now, because the request is not available after it was sent.
    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(key) = access_key(context.request()) {
            bag.interceptor_state().store_put(SignedWith(key.to_owned()));
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(metadata) = bag.load::<Metadata>() else { return Ok(()) };
        let latency = bag.load::<StartedAt>().map_or(Duration::ZERO, |at| at.0.elapsed());
        let is_success = matches!(context.output_or_error(), Some(Ok(_)));
        let code = context.response().filter(|_| !is_success).and_then(code_of);
        let is_throttled = code.as_deref().is_some_and(is_throttling_code);
        let outcome = match context.response().map(|response| response.status().as_u16()) {
            _ if is_success => CallOutcome::Success,
            // 503 is an overloaded service. The rate limit slows down for it, too.
            Some(TOO_MANY_REQUESTS | 503) => CallOutcome::Throttled,
            Some(_) if is_throttled => CallOutcome::Throttled,
            Some(500..) => CallOutcome::ServerError,
            Some(_) => CallOutcome::Refused,
            None => CallOutcome::NoReply,
        };
        if let (CallOutcome::Throttled, Some(rate_limit)) = (outcome, self.rate_limits.of(metadata.name())) {
            rate_limit.throttled();
        }
        if let (Some(renewed), Some(SignedWith(key))) = (&self.renewed, bag.load::<SignedWith>()) {
            match code.as_deref() {
                _ if is_success => renewed.accepted(key),
                Some(code) if super::error::is_refused_key_code(code) => renewed.refused(key),
                _ => {}
            }
        }
        self.sink.record(Call { service: metadata.service(), operation: metadata.name(), outcome, latency });
        Ok(())
    }
}

/// The access key that the request is signed with.
fn access_key(request: &HttpRequest) -> Option<&str> {
    let (_, credential) = request.headers().get("authorization")?.split_once("Credential=")?;
    credential.split('/').next()
}
