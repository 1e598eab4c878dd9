//! `Reviews`: the questions to the API server, a few at a time. They are counted by answer.

use super::caller::{Caller, Refusal, Right};
use crate::kubernetes::told::{Told, words};
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, TokenReviewStatus};
use k8s_openapi::api::authorization::v1::{SubjectAccessReview, SubjectAccessReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};
use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Questions at once.
const AT_ONCE: usize = 20;
/// How long one may take, and how long it may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    review: &'static str,
    result: &'static str,
}

pub struct Reviews {
    client: Client,
    turns: Semaphore,
    told: Mutex<Told>,
    asked: Family<Labels, Counter>,
}

impl Reviews {
    pub fn register(client: Client, registry: &mut Registry) -> Self {
        let asked: Family<Labels, Counter> = Family::default();
        let help = "Questions to the API server about callers of the HTTP interface, by kind and result";
        registry.register("api_reviews", help, asked.clone());
        Self { client, turns: Semaphore::new(AT_ONCE), told: Mutex::default(), asked }
    }

    /// Whose `token` it is. It must be for `audience`, or for the API server if there is none.
    pub async fn token(&self, token: &str, audience: Option<&str>) -> Result<Arc<Caller>, Refusal> {
        let audiences = audience.map(|name| vec![name.to_owned()]);
        let spec = TokenReviewSpec { token: Some(token.to_owned()), audiences };
        let reviews: Api<TokenReview> = Api::all(self.client.clone());
        let review = TokenReview { spec, ..TokenReview::default() };
        let answer = self.ask(token, async { reviews.create(&PostParams::default(), &review).await }).await;
        let known = answer.and_then(|review| known(review.status.unwrap_or_default(), audience));
        // A webhook of the API server may repeat the token.
        let known = known.map_err(|refusal| match refusal {
            Refusal::Unauthenticated(why) => Refusal::Unauthenticated(why.replace(token, "…").into()),
            other => other,
        });
        self.count("token", known)
    }

    /// Whether `caller` has `right`.
    pub async fn right(&self, caller: &Caller, right: &Right) -> Result<(), Refusal> {
        let spec = SubjectAccessReviewSpec {
            user: Some(caller.name.to_string()),
            uid: caller.uid.clone(),
            groups: Some(caller.groups.clone()),
            extra: Some(caller.extra.clone()),
            resource_attributes: right.resource(),
            non_resource_attributes: right.non_resource(),
        };
        let reviews: Api<SubjectAccessReview> = Api::all(self.client.clone());
        let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
        let answer = self.ask("", async { reviews.create(&PostParams::default(), &review).await }).await;
        let is_allowed = |status: &k8s_openapi::api::authorization::v1::SubjectAccessReviewStatus| {
            status.allowed && status.denied != Some(true)
        };
        let allowed = answer.and_then(|review| {
            if review.status.as_ref().is_some_and(is_allowed) { Ok(()) } else { Err(Refusal::Forbidden) }
        });
        self.count("access", allowed)
    }

    /// `secret` is cut out of what is told of a failure: a reply that cannot be read may repeat it.
    async fn ask<T>(&self, secret: &str, question: impl Future<Output = kube::Result<T>>) -> Result<T, Refusal> {
        let Ok(Ok(_turn)) = timeout(PATIENCE, self.turns.acquire()).await else { return Err(Refusal::Busy) };
        let failure = match timeout(PATIENCE, question).await {
            Ok(Ok(answer)) => {
                if self.told.lock().is_over() {
                    tracing::info!("the API server answers about callers again");
                }
                return Ok(answer);
            }
            Ok(Err(error)) => words(&error),
            Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
        };
        let failure = if secret.is_empty() { failure } else { failure.replace(secret, "…") };
        if self.told.lock().is_news(&failure) {
            tracing::warn!(
                error = failure,
                "the API server does not say who the callers are: they are refused with 503"
            );
        }
        Err(Refusal::Unavailable(failure.into()))
    }

    fn count<T>(&self, review: &'static str, answer: Result<T, Refusal>) -> Result<T, Refusal> {
        let result = match &answer {
            Ok(_) => "allowed",
            Err(Refusal::Unavailable(_) | Refusal::Busy) => "failed",
            Err(Refusal::Unauthenticated(_) | Refusal::Forbidden) => "denied",
        };
        self.asked.get_or_create(&Labels { review, result }).inc();
        answer
    }
}

/// The user of a token that is for `audience`. An API server that does not know audiences names none: then the token may be
/// for anybody.
fn known(status: TokenReviewStatus, audience: Option<&str>) -> Result<Arc<Caller>, Refusal> {
    let names = status.audiences.unwrap_or_default();
    let is_for_us = audience.is_none_or(|audience| names.iter().any(|name| name == audience));
    let user = status.user.unwrap_or_default();
    match user.username {
        Some(name) if status.authenticated == Some(true) && is_for_us && !name.is_empty() => Ok(Arc::new(Caller {
            name: name.into(),
            uid: user.uid,
            groups: user.groups.unwrap_or_default(),
            extra: user.extra.unwrap_or_default(),
        })),
        _ => {
            let told = status.error.filter(|error| !error.is_empty());
            Err(Refusal::Unauthenticated(
                told.unwrap_or_else(|| "the API server does not know the token".into()).into(),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn known_as(status: serde_json::Value, audience: Option<&str>) -> Result<String, Refusal> {
        known(serde_json::from_value(status).unwrap(), audience).map(|user| user.name.to_string())
    }

    #[test]
    fn a_token_counts_only_for_an_audience_that_the_api_server_names() {
        let jane =
            |audiences: &[&str]| json!({"authenticated": true, "audiences": audiences, "user": {"username": "jane"}});
        assert_eq!(known_as(jane(&["us"]), Some("us")), Ok("jane".into()));
        assert_eq!(known_as(jane(&["them", "us"]), Some("us")), Ok("jane".into()));
        for refused in [jane(&["them"]), jane(&[]), json!({"authenticated": true, "user": {"username": "jane"}})] {
            assert!(matches!(known_as(refused, Some("us")), Err(Refusal::Unauthenticated(_))));
        }
        assert_eq!(known_as(jane(&["https://kubernetes.default.svc"]), None), Ok("jane".into()));
    }

    #[test]
    fn a_token_without_a_user_is_nobodys() {
        for status in [
            json!({"authenticated": false, "error": "expired"}),
            json!({"authenticated": true, "audiences": ["us"], "user": {}}),
            json!({"authenticated": true, "audiences": ["us"], "user": {"username": ""}}),
            json!({}),
        ] {
            assert!(matches!(known_as(status, Some("us")), Err(Refusal::Unauthenticated(_))));
        }
    }
}
