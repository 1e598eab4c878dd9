//! The AWS account behind each role and behind the operator's own credentials. The answer for an absent image contains
//! no account, so the account of another image's answer is used.

use crate::describe_image::{Role, Scope};
use jiff::Timestamp;
use parking_lot::Mutex;
use std::collections::HashMap;
use tokio::sync::watch;

/// The account of the latest answer, by role. The key `None` is the operator's own credentials.
#[derive(Debug, Default)]
pub struct Accounts {
    known: Mutex<HashMap<Option<Role>, (String, Timestamp)>>,
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
