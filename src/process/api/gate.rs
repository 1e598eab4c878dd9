//! `Gate`: who asks, whether they may, and how often. What it refuses causes no call to AWS, and has a line in the log.

use super::address::Base;
use super::leader::Leader;
use super::log::{Refusals, Refused};
use super::metrics::ApiMetrics;
use super::rates::Rates;
use super::tenant::{Shared, Tenant};
use crate::describe_image::ApiError;
use crate::http_api::{self, Failure, LogFields, Logged, Operation, User};
use crate::http_api::{answer, image_id, unknown_path, with_log};
use crate::kubernetes::callers::{Audience, Caller, Refusal, Right};
use crate::process::http::connections::Peer;
use crate::process::http::{metrics_text, scrape::Scrapes};
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::{Extension, Router};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long an answer may take. Proxies often give up after a minute.
const PATIENCE: Duration = Duration::from_secs(50);
/// When a caller may ask again whom the server could not answer.
const PAUSE: Duration = Duration::from_secs(5);

pub struct Gate {
    pub shared: Arc<Shared>,
    pub rates: Rates,
    pub leader: Leader,
    pub refusals: Refusals,
    pub metrics: ApiMetrics,
    /// The text of /metrics, if it is served.
    pub scrapes: Option<Arc<Scrapes>>,
}

/// All paths of the interface, behind the gate.
pub fn router(gate: Arc<Gate>) -> Router {
    let images = http_api::router::<Tenant>().route_layer(from_fn_with_state(gate.clone(), authorized));
    // The gate cuts the base off the path, so that the routes are those of the API.
    with_log(Router::new().fallback_service(images).layer(from_fn_with_state(gate, authenticated)))
}

/// A request of somebody whom the API server knows.
#[derive(Clone)]
struct Known {
    caller: Arc<Caller>,
    base: Base,
    /// The path and query of the request, with the base.
    target: PathAndQuery,
}

/// Why a caller was refused, for the log. It is an extension of the answer.
#[derive(Clone)]
struct Why(Arc<str>);

async fn authenticated(
    State(gate): State<Arc<Gate>>,
    Extension(fields): Extension<Arc<LogFields>>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let peer = request.extensions().get().map_or(Ipv6Addr::UNSPECIFIED.into(), |Peer(address)| *address);
    let mut response = gate.answer(request, peer, next).await;
    let (code, extensions) = (response.status(), response.extensions());
    let operation = extensions.get::<Operation>().copied();
    gate.metrics.answered(operation, code, begun.elapsed());
    let user = extensions.get().map(|User(name)| name.as_ref());
    let is_refused = matches!(code, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS);
    if is_refused || user.is_none() {
        let why = extensions.get().map(|Why(words)| words.as_ref());
        let (operation, code) = (operation.map(Into::into), code.as_u16());
        let LogFields { request_id, path } = &*fields;
        gate.refusals.tell(&Refused { request_id, peer, user, operation, path, code, why });
        response.extensions_mut().insert(Logged);
    }
    response
}

impl Gate {
    async fn answer(&self, mut request: Request, peer: IpAddr, next: Next) -> Response {
        if request.uri().path() == "/metrics"
            && let Some(scrapes) = &self.scrapes
        {
            return self.metrics(scrapes, request.headers(), peer).await;
        }
        // Names that Kubernetes cannot have are not asked for.
        let Some((base, rest)) = Base::of(request.uri().path()) else { return unknown_path().await };
        let uri = match request.uri().query() {
            Some(query) => format!("{rest}?{query}").parse(),
            None => rest.parse::<Uri>(),
        };
        let (Ok(uri), Some(target)) = (uri, request.uri().path_and_query().cloned()) else {
            return unknown_path().await;
        };
        let caller = match self.known(request.headers(), Audience::Interface, peer).await {
            Ok(caller) => caller,
            Err(response) => return response,
        };
        let user = User(caller.name.clone());
        let mut response = match self.rates.of_user(&caller.name) {
            Ok(_place) => {
                *request.uri_mut() = uri;
                request.extensions_mut().insert(Known { caller, base, target });
                let unavailable = || Failure::unavailable("AWS has not answered in time", PAUSE);
                let answered = timeout(PATIENCE, next.run(request)).await;
                answered.unwrap_or_else(|_| answer::<()>(Err(unavailable())))
            }
            Err(failure) => answer::<()>(Err(failure)),
        };
        response.extensions_mut().insert(user);
        response
    }

    /// Who sent a request with these headers, from the address `peer`.
    async fn known(&self, headers: &HeaderMap, audience: Audience, peer: IpAddr) -> Result<Arc<Caller>, Response> {
        let Some(token) = bearer_token(headers) else {
            let why = "no bearer token in the header Authorization".into();
            return Err(refused(&Refusal::Unauthenticated(why)));
        };
        self.shared.callers.authenticate(token, audience, peer).await.map_err(|refusal| refused(&refusal))
    }

    /// The answer to a request that is allowed: the leader's, if this replica does not lead.
    async fn let_in(&self, known: Known, mut request: Request, next: Next) -> Response {
        if !self.shared.mirror.leadership.is_held() {
            let passed_on = self.leader.pass_on(request.method(), &known.target, request.headers()).await;
            return passed_on.unwrap_or_else(|failure| answer::<()>(Err(failure)));
        }
        let tenant = Tenant { shared: self.shared.clone(), caller: known.caller, base: known.base };
        request.extensions_mut().insert(Arc::new(tenant));
        self.rates.held(next.run(request).await).await
    }

    async fn metrics(&self, scrapes: &Scrapes, headers: &HeaderMap, peer: IpAddr) -> Response {
        let caller = match self.known(headers, Audience::ApiServer, peer).await {
            Ok(caller) => caller,
            Err(response) => return response,
        };
        let mut response = match self.rates.of_user(&caller.name) {
            Err(failure) => answer::<()>(Err(failure)),
            Ok(_place) => match self.shared.callers.authorize(&caller, &Right::Metrics).await {
                Ok(()) => metrics_text(scrapes).await,
                Err(refusal) => refused(&refusal),
            },
        };
        response.extensions_mut().insert(User(caller.name.clone()));
        response
    }
}

/// Asks whether the caller may, when it is known what is asked for.
async fn authorized(
    State(gate): State<Arc<Gate>>,
    matched: MatchedPath,
    params: Result<RawPathParams, RawPathParamsRejection>,
    Extension(known): Extension<Known>,
    request: Request,
    next: Next,
) -> Response {
    let operation = Operation::of_path(matched.as_str());
    let (Some(operation), true) = (operation, matches!(*request.method(), Method::GET | Method::HEAD)) else {
        return next.run(request).await;
    };
    let id = params.ok().and_then(|params| Some(params.iter().find(|(name, _)| *name == "id")?.1.to_owned()));
    let right = right(operation, &known.base.namespace, id);
    let namespace = known.base.namespace.clone();
    let mut response = match gate.shared.callers.authorize(&known.caller, &right).await {
        Err(refusal) => refused(&refusal),
        Ok(()) => match gate.rates.in_namespace(&namespace) {
            Err(failure) => answer::<()>(Err(failure)),
            Ok(_place) => gate.let_in(known, request, next).await,
        },
    };
    response.extensions_mut().insert(operation);
    response
}

/// The right that an operation needs. An id that is none is not asked for.
fn right(operation: Operation, namespace: &str, id: Option<String>) -> Right {
    let (verb, subresource) = match operation {
        Operation::ListImages => ("list", None),
        Operation::DescribeImage => ("get", None),
        Operation::ListImageLogStreams | Operation::GetImageLogEvents => ("get", Some("logs")),
        Operation::GetImageStackEvents => ("get", Some("stackevents")),
    };
    let name = id.filter(|id| image_id(id).is_ok());
    Right::Images { verb, subresource, namespace: namespace.to_owned(), name }
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (scheme, token) = values.next()?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (values.next().is_none() && scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn refused(refusal: &Refusal) -> Response {
    let told = |status, message: &str| ApiError { status, message: message.to_owned() };
    let (failure, why) = match refusal {
        Refusal::Unauthenticated(why) => {
            let message =
                "Unauthorized: send a token of Kubernetes, for the audience of this server, as a bearer token";
            (told(401, message).into(), Some(why.clone()))
        }
        Refusal::Forbidden => (told(403, "Forbidden: Kubernetes does not allow it").into(), None),
        Refusal::Unavailable(why) => {
            let message = "Kubernetes does not say who you are and what you may";
            (Failure::unavailable(message, PAUSE), Some(why.clone()))
        }
        Refusal::Busy => (Failure::unavailable("too many callers come whom nobody knows yet", PAUSE), None),
    };
    let mut response = answer::<()>(Err(failure));
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(why) = why {
        response.extensions_mut().insert(Why(why));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_bearer_token_is_taken() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            bearer_token(&headers).map(str::to_owned)
        };
        assert_eq!(of(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(of(&["bearer  abc"]).as_deref(), Some("abc"));
        for values in [&[][..], &["Bearer"], &["Bearer "], &["Basic abc"], &["abc"], &["AWS4-HMAC-SHA256 a"]] {
            assert_eq!(of(values), None, "{values:?}");
        }
        assert_eq!(of(&["Bearer abc", "Bearer def"]), None);
    }

    #[test]
    fn each_operation_has_its_right() {
        let of = |operation, id: &str| right(operation, "hpc", Some(id.to_owned()));
        let images = |verb, subresource, name: Option<&str>| Right::Images {
            verb,
            subresource,
            namespace: "hpc".into(),
            name: name.map(str::to_owned),
        };
        assert_eq!(right(Operation::ListImages, "hpc", None), images("list", None, None));
        assert_eq!(of(Operation::DescribeImage, "base"), images("get", None, Some("base")));
        assert_eq!(of(Operation::GetImageLogEvents, "base"), images("get", Some("logs"), Some("base")));
        assert_eq!(of(Operation::GetImageStackEvents, "base"), images("get", Some("stackevents"), Some("base")));
        assert_eq!(of(Operation::DescribeImage, "a/../b"), images("get", None, None));
    }
}
