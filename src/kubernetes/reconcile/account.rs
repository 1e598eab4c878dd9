//! Whose answer it is that lacks the image of a status. Such an answer names no account, and an account that never had the
//! image has not lost it. So AWS is asked for the account before an image counts as gone.

use crate::clock::Clock;
use crate::describe_image::Scope;
use crate::describe_image::source::AccountSource;
use crate::describe_image::source_error::redacted;
use crate::kubernetes::identities::accounts::Accounts;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// Timeout of the question. It is short because other objects wait for this reconcile.
const PATIENCE: Duration = Duration::from_secs(5);

/// The pause after a question that got no answer.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// After failing for so long, the last known account counts. STS may be out of reach for ever, such as in a closed network.
const GIVEN_UP: SignedDuration = SignedDuration::from_mins(1);

/// The account of an answer without the image.
pub enum Whose {
    /// Also `None` if nothing can tell it.
    Known(Option<String>),
    /// It is asked for again at this time.
    NotYet(Timestamp),
}

/// The account of the answer that was read at `read_at`. If it is another one than before, all objects of the scope are
/// reconciled again. Of several objects, one asks, and the others wait for its answer.
pub async fn of_miss(
    scope: &Scope,
    read_at: Timestamp,
    accounts: &Accounts,
    source: &impl AccountSource,
    clock: Clock,
) -> Whose {
    let known = || Whose::Known(accounts.of(scope));
    // The account of a role is in its ARN.
    if scope.identity.role.is_some() || accounts.is_known_since(scope, read_at) {
        return known();
    }
    let mut asked = accounts.asked.lock().await;
    let now = clock.now();
    let is_recent = |last: Timestamp| now.duration_since(last).abs() < GIVEN_UP;
    let failed = asked.failed.filter(|(_, last)| is_recent(*last));
    let has_just_failed = failed.is_some_and(|(_, last)| now.duration_since(last).abs() < PAUSE);
    if accounts.is_known_since(scope, read_at) {
        return known();
    }
    if !has_just_failed {
        let answer = tokio::time::timeout(PATIENCE, source.account(scope)).await;
        let error = match answer {
            Ok(Ok(account)) => {
                asked.failed = None;
                accounts.told(scope, &account, now);
                return known();
            }
            Ok(Err(error)) => redacted(&error.to_string()),
            Err(_) => format!("no answer within {PATIENCE:?}"),
        };
        if failed.is_none() {
            tracing::warn!(
                error,
                "cannot ask AWS for the account of the credentials (sts:GetCallerIdentity): whether a missing image was deleted is decided without it in a minute"
            );
        }
        asked.failed = Some((failed.map_or(now, |(first, _)| first), now));
    }
    match asked.failed {
        Some((first, _)) if now.duration_since(first).abs() < GIVEN_UP => {
            Whose::NotYet(now.checked_add(PAUSE).unwrap_or(now))
        }
        _ => known(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe_image::{Region, SourceError};

    /// An STS that is out of reach.
    struct Silent;

    impl AccountSource for Silent {
        async fn account(&self, _: &Scope) -> Result<String, SourceError> {
            std::future::pending().await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_known_account_counts_when_the_question_has_failed_for_a_minute() {
        let (accounts, now) = (Accounts::default(), Timestamp::now());
        let ago = |seconds| now - SignedDuration::from_secs(seconds);
        let scope = Scope::default_identity(Region::parse("eu-west-1").unwrap());
        accounts.learn(&scope, Some("111122223333"), ago(3600));
        for (first, last, is_given_up) in [(50, 10, false), (61, 10, true), (200, 100, false)] {
            accounts.asked.lock().await.failed = Some((ago(first), ago(last)));
            match of_miss(&scope, now, &accounts, &Silent, Clock::SYSTEM).await {
                Whose::Known(account) => {
                    assert_eq!((account.as_deref(), is_given_up), (Some("111122223333"), true), "{first} {last}");
                }
                Whose::NotYet(until) => assert!(!is_given_up && until >= now + PAUSE, "{first} {last}: {until}"),
            }
        }
    }
}
