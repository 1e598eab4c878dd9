//! The AWS account behind each role and behind the operator's own credentials. The answer for an absent image contains
//! no account, so the account of another image's answer is used, or AWS is asked for it.

use crate::describe_image::{Role, Scope};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use std::collections::HashMap;
use tokio::sync::watch;

/// What was learned within this time is current.
const CURRENT: SignedDuration = SignedDuration::from_mins(1);

/// The account of the latest answer, by role. The key `None` is the operator's own credentials.
#[derive(Debug, Default)]
pub struct Accounts {
    known: Mutex<HashMap<Option<Role>, (String, Timestamp)>>,
    /// When AWS was last asked for the account itself, by role.
    asked: Mutex<HashMap<Option<Role>, Timestamp>>,
    /// Counts new accounts.
    learned: watch::Sender<u64>,
}

impl Accounts {
    /// An answer in this scope, read at `at`, names `account`, or none. The latest one counts. Returns the scope's account.
    pub fn learn(&self, scope: &Scope, account: Option<&str>, at: Timestamp) -> Option<String> {
        if let Some(account) = account {
            let mut accounts = self.known.lock();
            let before = accounts.get(&scope.identity.role);
            if before.is_none_or(|(_, before)| *before <= at) {
                let is_new = before.is_none_or(|(before, _)| before != account);
                accounts.insert(scope.identity.role.clone(), (account.to_owned(), at));
                if is_new {
                    self.learned.send_modify(|count| *count = count.wrapping_add(1));
                }
            }
        }
        self.of(scope)
    }

    /// Whether AWS is to be asked for the account of the scope: neither an answer has named it lately, nor was it asked for
    /// lately. Of those that want to know at the same time, one asks.
    pub fn is_to_be_asked(&self, scope: &Scope, now: Timestamp) -> bool {
        let is_current = |at: &Timestamp| now.duration_since(*at).abs() < CURRENT;
        let role = &scope.identity.role;
        if self.known.lock().get(role).is_some_and(|(_, at)| is_current(at)) {
            return false;
        }
        let mut asked = self.asked.lock();
        let is_first = !asked.get(role).is_some_and(is_current);
        if is_first {
            asked.insert(role.clone(), now);
        }
        is_first
    }

    /// The account of the scope: the one that has answered, else the one in the role's ARN, else `None`.
    #[must_use]
    pub fn of(&self, scope: &Scope) -> Option<String> {
        let role = &scope.identity.role;
        let answered = self.known.lock().get(role).map(|(account, _)| account.clone());
        answered.or_else(|| role.as_ref().map(|role| role.account_id().to_owned()))
    }

    /// Changes with each new account. Then a status that has no account, or another one, may need a write.
    #[must_use]
    pub fn learned(&self) -> watch::Receiver<u64> {
        self.learned.subscribe()
    }
}
