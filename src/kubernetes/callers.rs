//! Who calls the HTTP interface, and what they may. Both are asked at the API server, by a TokenReview and a
//! SubjectAccessReview, and remembered for a while. A token is kept only as a keyed hash.

mod caller;
mod decisions;
mod expiry;
mod reviews;

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::rand::SystemRandom;
pub use caller::{Audience, Caller, Refusal, Right};
use decisions::Decisions;
use kube::Client;
use leaky_bucket::RateLimiter;
use prometheus_client::registry::Registry;
use quick_cache::sync::Cache;
use reviews::Reviews;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// How long an answer that allows is remembered.
const ALLOWED: Duration = Duration::from_secs(300);
/// How long one that denies is, and one that never came.
const DENIED: Duration = Duration::from_secs(10);
/// How many tokens, and how many rights, are remembered.
const MOST: usize = 10_000;

/// Unknown tokens that each address may show: in a second, and at once.
const STRANGERS: (u32, usize) = (20, 100);

/// How long an answer is remembered, if one that allows is remembered for `allowed`.
fn remembered<T>(answer: &Result<T, Refusal>, allowed: Duration) -> Duration {
    match answer {
        Ok(_) => allowed,
        // Nobody was asked.
        Err(Refusal::Busy) => Duration::ZERO,
        Err(Refusal::Unauthenticated(_) | Refusal::Forbidden | Refusal::Unavailable(_)) => DENIED,
    }
}

/// The keyed hash of a token and its audience.
type TokenKey = [u8; 32];

/// What is known of callers.
pub struct Callers {
    audience: String,
    secret: hmac::Key,
    tokens: Decisions<TokenKey, Arc<Caller>>,
    rights: Decisions<(Arc<Caller>, Right), ()>,
    /// The unknown tokens of each address.
    strangers: Cache<IpAddr, Arc<RateLimiter>>,
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
        let (tokens, rights) = (Decisions::new(MOST), Decisions::new(MOST));
        let reviews = Reviews::register(client, registry);
        Ok(Self { audience, secret, tokens, rights, strangers: Cache::new(MOST), reviews })
    }

    /// Whose `token` it is. It came from the address `peer`.
    ///
    /// # Errors
    /// If the API server does not know it for this audience, or does not answer.
    pub async fn authenticate(&self, token: &str, audience: Audience, peer: IpAddr) -> Result<Arc<Caller>, Refusal> {
        let key = self.key(token, audience);
        let ask = async {
            if !self.strangers_of(peer).try_acquire(1) {
                return (Err(Refusal::Busy), Duration::ZERO);
            }
            let audience = (audience == Audience::Interface).then_some(self.audience.as_str());
            let caller = self.reviews.token(token, audience).await;
            let allowed = expiry::time_left(token).map_or(ALLOWED, |left| left.min(ALLOWED));
            let time = remembered(&caller, allowed);
            (caller, time)
        };
        self.tokens.of(&key, ask).await
    }

    /// Whether `caller` has `right`: to all images, else to the one that it names. So whoever may read all of them is asked
    /// about once.
    ///
    /// # Errors
    /// If not, or if the API server does not answer.
    pub async fn authorize(&self, caller: &Arc<Caller>, right: &Right) -> Result<(), Refusal> {
        match right.to_all() {
            Some(to_all) if self.decide(caller, &to_all).await.is_ok() => Ok(()),
            _ => self.decide(caller, right).await,
        }
    }

    async fn decide(&self, caller: &Arc<Caller>, right: &Right) -> Result<(), Refusal> {
        let key = (caller.clone(), right.clone());
        let ask = async {
            let allowed = self.reviews.right(caller, right).await;
            let time = remembered(&allowed, ALLOWED);
            (allowed, time)
        };
        self.rights.of(&key, ask).await
    }

    fn strangers_of(&self, peer: IpAddr) -> Arc<RateLimiter> {
        let (per_second, burst) = STRANGERS;
        let tick = Duration::from_secs(1) / per_second;
        let new = || Ok(Arc::new(RateLimiter::builder().max(burst).initial(burst).interval(tick).build()));
        let Ok(rate) = self.strangers.get_or_insert_with::<_, Infallible>(&peer, new);
        rate
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

#[cfg(test)]
mod tests;
