//! The errors of this crate. A message names the next step if there is one.

use std::{io, path::PathBuf, process::ExitStatus};

/// Why a cluster cannot be started or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(
        "{origin} is {directory}, which has no executable {name}; next step: put {name} there, or unset {origin} to have it built from Go modules"
    )]
    MissingBinary { name: &'static str, directory: PathBuf, origin: &'static str },
    #[error("{script} failed ({status}); its output says why and what to do next")]
    Build { script: PathBuf, status: ExitStatus },
    #[error("{name} ended while starting ({status}); its last lines:\n{log}")]
    Ended { name: &'static str, status: ExitStatus, log: String },
    #[error("{name} was not ready after {seconds} s: {last}; its last lines:\n{log}")]
    NotReady { name: &'static str, seconds: u64, last: String, log: String },
    #[error("no free loopback port below the ephemeral range")]
    NoFreePort,
    #[error("making a key or signing a certificate failed")]
    Signing(#[from] aws_lc_rs::error::Unspecified),
    #[error("the admin's TLS configuration was refused")]
    Tls(#[from] rustls::Error),
    #[error("{doing}: {source}")]
    Io { doing: String, source: io::Error },
}

impl Error {
    /// For `map_err`: `Error::io("creating the state directory")`.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// Whether another process took the port between our check and the daemon's bind. A start with other ports can
    /// succeed.
    pub(crate) fn is_port_taken(&self) -> bool {
        matches!(self, Self::Ended { log, .. } if log.contains("address already in use"))
    }
}
