//! The account of an answer without the image that the status reports. Such an answer names no account, and an account that
//! never had the image has not lost it.

use crate::describe_image::Scope;
use crate::describe_image::source::Source;
use crate::kubernetes::reconcile::context::Context;
use jiff::Timestamp;
use std::time::Duration;

/// Timeout of the question. It is short because other objects wait for this reconcile.
const PATIENCE: Duration = Duration::from_secs(5);

/// The account of the scope's credentials: the `learned` one, unless it is to be asked for and AWS answers. If the account
/// is another one than before, all objects of the scope are reconciled again.
pub async fn of_miss<S: Source + 'static>(
    scope: &Scope,
    learned: Option<String>,
    context: &Context<S>,
) -> Option<String> {
    let now = Timestamp::now();
    if !context.accounts.is_to_be_asked(scope, now) {
        return learned;
    }
    match tokio::time::timeout(PATIENCE, context.reflector.source().account(scope)).await {
        Ok(Ok(account)) => context.accounts.learn(scope, Some(&account), now),
        Ok(Err(_)) | Err(_) => learned,
    }
}
