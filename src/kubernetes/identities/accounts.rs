//! Which account each role turned out to be, and the operator's own credentials: an image that is not there cannot tell,
//! but another's answer has.

use crate::describe_image::{Role, Scope};
use jiff::Timestamp;
use parking_lot::Mutex;
use std::collections::HashMap;
use tokio::sync::watch;

/// The account that last answered, by role; without one, to the operator's own credentials.
#[derive(Debug, Default)]
pub struct Accounts {
    known: Mutex<HashMap<Option<Role>, (String, Timestamp)>>,
    /// How often an account was learned.
    learned: watch::Sender<u64>,
}

impl Accounts {
    /// Takes note of what was `told` at a time, unless a later answer has told another; gives the account as far as it is known.
    #[must_use]
    pub fn learn(&self, scope: &Scope, told: Option<(&str, Timestamp)>) -> Option<String> {
        let mut known = self.known.lock();
        let role = &scope.identity.role;
        let before = known.get(role);
        if let Some((account, at)) = told.filter(|(_, at)| before.is_none_or(|(_, before)| before <= at)) {
            let is_news = before.is_none_or(|(before, _)| before != account);
            known.insert(role.clone(), (account.to_owned(), at));
            if is_news {
                self.learned.send_modify(|count| *count = count.wrapping_add(1));
            }
        }
        known
            .get(role)
            .map(|(account, _)| account.clone())
            .or_else(|| role.as_ref().map(|role| role.account_id().to_owned()))
    }

    /// Changes whenever an account was learned: a status without one may be written anew.
    #[must_use]
    pub fn learned(&self) -> watch::Receiver<u64> {
        self.learned.subscribe()
    }
}
