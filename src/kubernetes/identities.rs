//! Who may use which AWS credentials, where: the identities of the configuration, the labels of namespaces, and the
//! accounts that have answered.

pub mod accounts;
pub mod grants;
pub mod namespaces;
