//! Which namespaces may use which AWS credentials in which regions: the identities of the configuration, the labels of
//! namespaces, and the accounts behind the identities.

pub(super) mod accounts;
pub mod grants;
pub(super) mod namespaces;
pub mod selector;
