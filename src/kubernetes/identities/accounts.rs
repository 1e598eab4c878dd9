//! The AWS account behind each role and behind the operator's own credentials. The answer for an absent image contains
//! no account, so the account of another image's answer is used, or AWS is asked for it.

use crate::describe_image::{Role, Scope};
use jiff::Timestamp;
use parking_lot::Mutex;
use std::collections::HashMap;
use tokio::sync::watch;

/// The last questions for the account of the operator's own credentials that got no answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    /// The first and the last of those that failed one after the other.
    pub failed: Option<(Timestamp, Timestamp)>,
}

/// The account of the latest answer, by role. The key `None` is the operator's own credentials.
#[derive(Debug, Default)]
pub struct Accounts {
    known: Mutex<HashMap<Option<Role>, (String, Timestamp)>>,
    /// Locked while AWS is asked for the account of the operator's own credentials.
    pub asked: tokio::sync::Mutex<Asked>,
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

    /// AWS was asked at `at`, and has told the account of the scope.
    pub fn told(&self, scope: &Scope, account: &str, at: Timestamp) {
        // A clock that was set back must not make an older answer win.
        self.known.lock().retain(|role, (_, before)| *role != scope.identity.role || *before <= at);
        self.learn(scope, Some(account), at);
    }

    /// Whether an answer that was read at `at` or later names the account of the scope.
    #[must_use]
    pub fn is_known_since(&self, scope: &Scope, at: Timestamp) -> bool {
        self.known.lock().get(&scope.identity.role).is_some_and(|(_, known)| *known >= at)
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
