//! Who calls the HTTP interface, and what they may. Both are asked at the API server, by a TokenReview and a
//! SubjectAccessReview, and remembered for a while. A token is kept only as a keyed hash.

mod decisions;
mod expiry;
mod reviews;

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::rand::SystemRandom;
use decisions::Decisions;
use k8s_openapi::api::authorization::v1::{NonResourceAttributes, ResourceAttributes};
use kube::Client;
use prometheus_client::registry::Registry;
use reviews::Reviews;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long an answer that allows is remembered.
const ALLOWED: Duration = Duration::from_secs(300);
/// How long one that denies is, and one that never came.
const DENIED: Duration = Duration::from_secs(10);
/// How many tokens, and how many rights, are remembered.
const MOST: usize = 10_000;

/// The API group of the virtual resource `images`.
const GROUP: &str = "parallelcluster.dev";

/// Why a caller is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The API server does not know the token, or knows it for another audience.
    Unauthenticated(Arc<str>),
    /// The caller has no such right.
    Forbidden,
    /// The API server has not answered.
    Unavailable(Arc<str>),
}

/// For which audience a token must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The interface's own.
    Interface,
    /// The API server's own, as in a token that Prometheus has.
    ApiServer,
}

/// A right of callers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// A verb on the virtual resource `images`. No object of it exists, and no right on another resource contains it.
    Images { verb: &'static str, subresource: Option<&'static str>, namespace: String, name: Option<String> },
    /// To read /metrics.
    Metrics,
}

/// Somebody whom the API server knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub user: Arc<User>,
    key: TokenKey,
}

/// What the API server says of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    pub name: Arc<str>,
    uid: Option<String>,
    groups: Vec<String>,
    extra: BTreeMap<String, Vec<String>>,
}

/// The keyed hash of a token and its audience.
type TokenKey = [u8; 32];

/// What is known of callers.
pub struct Callers {
    audience: String,
    secret: hmac::Key,
    tokens: Decisions<TokenKey, Arc<User>>,
    rights: Decisions<(TokenKey, Right), ()>,
    reviews: Reviews,
}

impl Callers {
    /// Registers the metrics in `registry`. Tokens must be for `audience`.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn new(client: Client, audience: String, registry: &mut Registry) -> Result<Self, String> {
        let secret = hmac::Key::generate(HMAC_SHA256, &SystemRandom::new());
        let secret = secret.map_err(|_| "the system has no random numbers".to_owned())?;
        let reviews = Reviews::register(client, registry);
        Ok(Self { audience, secret, tokens: Decisions::new(MOST), rights: Decisions::new(MOST), reviews })
    }

    /// Whose `token` it is.
    ///
    /// # Errors
    /// If the API server does not know it for this audience, or does not answer.
    pub async fn authenticate(&self, token: &str, audience: Audience) -> Result<Caller, Refusal> {
        let key = self.key(token, audience);
        let user = self.tokens.of(&key, async {
            let audience = (audience == Audience::Interface).then_some(self.audience.as_str());
            let user = self.reviews.token(token, audience).await;
            let time = match &user {
                Ok(_) => expiry::time_left(token).map_or(ALLOWED, |left| left.min(ALLOWED)),
                Err(_) => DENIED,
            };
            (user, time)
        });
        Ok(Caller { user: user.await?, key })
    }

    /// Whether `caller` has `right`.
    ///
    /// # Errors
    /// If not, or if the API server does not answer.
    pub async fn authorize(&self, caller: &Caller, right: &Right) -> Result<(), Refusal> {
        let key = (caller.key, right.clone());
        let allowed = self.rights.of(&key, async {
            let allowed = self.reviews.right(&caller.user, right).await;
            let time = if allowed.is_ok() { ALLOWED } else { DENIED };
            (allowed, time)
        });
        allowed.await
    }

    fn key(&self, token: &str, audience: Audience) -> TokenKey {
        let mut context = hmac::Context::with_key(&self.secret);
        context.update(if audience == Audience::Interface { b"i" } else { b"a" });
        context.update(token.as_bytes());
        let mut key = TokenKey::default();
        key.copy_from_slice(context.sign().as_ref());
        key
    }
}

impl Right {
    fn resource(&self) -> Option<ResourceAttributes> {
        let Self::Images { verb, subresource, namespace, name } = self else { return None };
        Some(ResourceAttributes {
            verb: Some((*verb).to_owned()),
            group: Some(GROUP.to_owned()),
            resource: Some("images".to_owned()),
            subresource: subresource.map(str::to_owned),
            namespace: Some(namespace.clone()),
            name: name.clone(),
            ..ResourceAttributes::default()
        })
    }

    fn non_resource(&self) -> Option<NonResourceAttributes> {
        let attributes = NonResourceAttributes { verb: Some("get".to_owned()), path: Some("/metrics".to_owned()) };
        (*self == Self::Metrics).then_some(attributes)
    }
}

#[cfg(test)]
mod tests;
