//! Handles one parsed request: due changes of the world, faults, credentials, rate limits, the service, the call log.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::call::Call;
use crate::caller::{Caller, unknown_service};
use crate::clock::written;
use crate::digest;
use crate::fault::Strike;
use crate::reply::{Delivery, Reply};
use crate::request::{Parameters, Request};
use crate::service::{Service, ServiceError};
use crate::state::State;
use crate::world::FaultKind;
use crate::{cloudformation, ec2, imagebuilder, logs, s3, sts};

/// The state that all connections share.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<State>>);

impl Shared {
    pub fn new(state: State) -> Self {
        Self(Arc::new(Mutex::new(state)))
    }

    /// Ignores poisoning: a test thread that panicked must not break the simulator for the others.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The input of a service's operation.
pub(crate) struct Ask<'a> {
    pub request: &'a Request,
    pub parameters: Parameters,
    pub caller: &'a Caller,
    pub operation: &'a str,
    pub request_id: String,
}

pub(crate) async fn dispatch(request: Request, shared: &Shared) -> Delivery {
    if let Some(service) = unknown_service(&request) {
        return unknown(&request, &service, &mut shared.lock());
    }
    let (caller, operation, parameters, strike) = {
        let mut state = shared.lock();
        state.catch_up();
        let caller = Caller::of(&request, &state.world);
        let parameters = if caller.service == Service::S3 { Parameters::default() } else { request.parameters() };
        let operation = operation(&request, &parameters, &caller);
        let strike = Strike::of(&mut state.world, &caller, &operation);
        (caller, operation, parameters, strike)
    };
    if !strike.pause.is_zero() {
        tokio::time::sleep(strike.pause).await;
    }
    let mut state = shared.lock();
    state.catch_up();
    let request_id = digest::uuid(&["request", &state.next_number().to_string()]);
    let ask = Ask { request: &request, parameters, caller: &caller, operation: &operation, request_id };
    let delivery = answer(&ask, &strike, &mut state);
    record(&ask, &strike, &delivery, &mut state);
    delivery
}

fn operation(request: &Request, parameters: &Parameters, caller: &Caller) -> String {
    match caller.service {
        Service::Ec2 | Service::CloudFormation | Service::Sts => {
            parameters.get("Action").unwrap_or("Unknown").to_owned()
        }
        Service::ImageBuilder => request.path.trim_start_matches('/').to_owned(),
        Service::Logs => logs::operation(request).to_owned(),
        Service::S3 => s3::operation(request).to_owned(),
    }
}

fn answer(ask: &Ask, strike: &Strike, state: &mut State) -> Delivery {
    let service = ask.caller.service;
    let failed = |error: ServiceError| service.error_reply(error, &ask.request_id, ask.request.method == "HEAD");
    let reply = match &strike.kind {
        Some(FaultKind::Reset) => return Delivery::Reset,
        Some(FaultKind::Throttle) => failed(service.throttled()),
        Some(FaultKind::Error { status, code, message }) => failed(ServiceError::new(*status, code, message)),
        Some(FaultKind::ReplaceBody { status, body, content_type }) => Reply::new(*status, content_type, body.clone()),
        _ => operate(ask, state).unwrap_or_else(failed),
    };
    let reply = reply.header(service.request_id_header(), &ask.request_id);
    match strike.kind {
        Some(FaultKind::ResetMidBody) => Delivery::CutMidBody(reply),
        Some(FaultKind::CutShort { percent }) => Delivery::Whole(reply.cut(percent)),
        Some(FaultKind::EmptyBody) => Delivery::Whole(reply.cut(0)),
        _ => Delivery::Whole(reply),
    }
}

fn operate(ask: &Ask, state: &mut State) -> Result<Reply, ServiceError> {
    // This operation is authenticated by its token. The caller has no credentials to sign with yet.
    if ask.operation != "AssumeRoleWithWebIdentity" {
        ask.caller.authenticate(state)?;
    }
    let now = state.clock.limit_seconds();
    if !state.buckets.allow(ask.caller, ask.operation, &state.world, now) {
        return Err(ask.caller.service.throttled());
    }
    match ask.caller.service {
        Service::Ec2 => ec2::operate(ask, state),
        Service::CloudFormation => cloudformation::operate(ask, state),
        Service::ImageBuilder => imagebuilder::operate(ask, state),
        Service::Logs => logs::operate(ask, state),
        Service::S3 => s3::operate(ask, state),
        Service::Sts => sts::operate(ask, state),
    }
}

/// Refuses a call to a service that the simulator does not implement. The call is logged like any other, because a test
/// may assert that there was none.
fn unknown(request: &Request, service: &str, state: &mut State) -> Delivery {
    let caller = Caller::of(request, &state.world);
    let target = request.header("x-amz-target").and_then(|target| target.rsplit('.').next());
    let parameters = request.parameters();
    let operation = target.or_else(|| parameters.get("Action")).unwrap_or(&request.path);
    state.calls.record(Call {
        at: written(state.clock.now()),
        service: service.to_owned(),
        operation: operation.to_owned(),
        region: caller.region,
        account: caller.account,
        access_key: caller.access_key,
        status: 501,
        error_code: None,
        fault: None,
        write: is_write(operation.trim_start_matches('/')),
        subject: String::new(),
        user_agent: user_agent(request),
    });
    Delivery::Whole(Reply::new(501, "text/plain", format!("The simulator does not implement {service}.\n")))
}

fn user_agent(request: &Request) -> String {
    request.header("user-agent").unwrap_or_default().to_owned()
}

fn record(ask: &Ask, strike: &Strike, delivery: &Delivery, state: &mut State) {
    let (status, error_code) = match delivery {
        Delivery::Whole(reply) | Delivery::CutMidBody(reply) => (reply.status, reply.error_code.clone()),
        Delivery::Reset => (0, None),
    };
    let call = Call {
        at: written(state.clock.now()),
        service: ask.caller.service.name().to_owned(),
        operation: ask.operation.to_owned(),
        region: ask.caller.region.clone(),
        account: ask.caller.account.clone(),
        access_key: ask.caller.access_key.clone(),
        status,
        error_code,
        fault: strike.name().map(str::to_owned),
        write: is_write(ask.operation),
        subject: subject(ask),
        user_agent: user_agent(ask.request),
    };
    if call.service == "ec2" {
        state.calls.saw_filter_values(ec2::most_filter_values(&ask.parameters));
    }
    state.calls.record(call);
}

fn is_write(operation: &str) -> bool {
    const READS: [&str; 6] = ["Describe", "Get", "List", "Head", "Filter", "AssumeRole"];
    operation != "Unknown" && !READS.iter().any(|read| operation.starts_with(read))
}

fn subject(ask: &Ask) -> String {
    let parameter = |name: &str| ask.parameters.get(name).unwrap_or_default().to_owned();
    match ask.caller.service {
        Service::Ec2 => format!("{} filter values", ec2::most_filter_values(&ask.parameters)),
        Service::CloudFormation => parameter("StackName"),
        Service::ImageBuilder => ask.request.query("imageBuildVersionArn").unwrap_or_default().to_owned(),
        Service::Logs => logs::subject(ask.request),
        Service::S3 => s3::subject(ask.request),
        Service::Sts => parameter("RoleArn"),
    }
}
