//! Who may use which AWS credentials, where: the identities of the configuration, the labels of namespaces, and the
//! accounts that have answered.

pub(super) mod accounts;
pub mod grants;
pub(super) mod namespaces;
pub mod selector;
