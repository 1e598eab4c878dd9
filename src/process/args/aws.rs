//! The flags of the connection to AWS: timeouts, attempts and trusted certificates.

use super::value::{Maybe, duration, trusted_ca};
use crate::aws::{ClientSettings, TrustedCa};
use clap::Args as ClapArgs;
use std::time::Duration;

/// How to connect to AWS. Credentials, endpoints and proxies come from the same sources as in every AWS tool.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "AWS")]
pub struct AwsArgs {
    /// Timeout of connecting, such as 3s or 500ms.
    #[arg(long, env, value_name = "DURATION", default_value = "3s", value_parser = duration)]
    pub aws_connect_timeout: Duration,
    /// Timeout of one attempt, up to the last byte of the response.
    #[arg(long, env, value_name = "DURATION", default_value = "20s", value_parser = duration)]
    pub aws_attempt_timeout: Duration,
    /// Timeout of one call, including all retries.
    #[arg(long, env, value_name = "DURATION", default_value = "1m", value_parser = duration)]
    pub aws_operation_timeout: Duration,
    /// Maximum number of attempts of one call, including the first; the backoff between them grows and is jittered.
    #[arg(long, env, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    pub aws_max_attempts: u32,
    /// PEM file of certificates to trust in addition to the system's.
    #[arg(long, env, value_name = "FILE", value_parser = trusted_ca, default_value = "", hide_default_value = true)]
    pub aws_ca_bundle: Maybe<TrustedCa>,
}

impl AwsArgs {
    #[must_use]
    pub fn settings(&self) -> ClientSettings {
        ClientSettings {
            connect_timeout: self.aws_connect_timeout,
            attempt_timeout: self.aws_attempt_timeout,
            operation_timeout: self.aws_operation_timeout,
            max_attempts: self.aws_max_attempts,
            trusted_ca: self.aws_ca_bundle.0.clone(),
        }
    }
}
