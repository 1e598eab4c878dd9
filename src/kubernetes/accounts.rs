//! Which account each role turned out to be, and the operator's own credentials: an image that is not there cannot tell,
//! but another's answer has.

use crate::describe_image::{Role, Scope};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The account that last answered, by role; without one, to the operator's own credentials.
#[derive(Debug, Default)]
pub struct Accounts(Mutex<HashMap<Option<Role>, String>>);

impl Accounts {
    /// Takes note of `told`, and gives the account as far as it is known.
    #[must_use]
    pub fn learn(&self, scope: &Scope, told: Option<&str>) -> Option<String> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let role = &scope.identity.role;
        if let Some(account) = told {
            known.insert(role.clone(), account.to_owned());
        }
        known.get(role).cloned().or_else(|| role.as_ref().map(|role| role.account_id().to_owned()))
    }
}
