//! Which account each scope turned out to be: an image that is not there cannot tell, but another's answer has.

use crate::describe_image::Scope;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The account that last answered, by scope.
#[derive(Debug, Default)]
pub struct Accounts(Mutex<HashMap<Scope, String>>);

impl Accounts {
    /// Takes note of `told`, and gives the account as far as it is known.
    #[must_use]
    pub fn learn(&self, scope: &Scope, told: Option<&str>) -> Option<String> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = told {
            known.insert(scope.clone(), account.to_owned());
        }
        known.get(scope).cloned()
    }
}
