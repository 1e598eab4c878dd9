//! The AWS adapter: implements the port `ImageSource` with the official SDK. One file for each service. No other room
//! names `aws_*`. Nothing here creates, tags, puts or deletes.

mod advice;
pub(crate) mod budget;
mod call;
mod clients;
mod cloudformation;
mod config;
mod credentials;
mod ec2;
mod error;
mod image_logs;
mod imagebuilder;
mod pagination;
mod partition;
mod probe;
mod profile;
mod refused;
mod reply_bytes;
mod s3;
mod sink;
mod source;
mod stack_events;
mod story;
#[cfg(test)]
mod tests;
mod throttling;
mod trusted_ca;
mod turns;
mod well_formed;
mod whole_reply;

pub use advice::wrong_endpoint;
pub use budget::{Budget, Limit};

pub use config::{ClientSettings, default_region, load};
pub use probe::{ASSUME_ROLE, Caller, Extras, Permission, Probe};
pub use sink::{Call, CallOutcome, CallSink, IgnoreCalls};
pub use source::Aws;
pub use trusted_ca::{InvalidCaBundle, TrustedCa};
pub use whole_reply::WholeReplies;

use tracing::level_filters::LevelFilter;

/// The highest log levels that the SDK may use, whatever a user asks for. At trace, it logs whole replies, also those with
/// credentials. At info, `aws_config` logs the contents of a profile. The operator reads the profile's files once a minute,
/// so `aws_runtime` would repeat its warnings about them every minute.
pub const LOG_CEILING: [(&str, LevelFilter); 6] = [
    ("aws_smithy_runtime", LevelFilter::INFO),
    ("aws_smithy_http_client", LevelFilter::INFO),
    ("aws_sigv4", LevelFilter::INFO),
    ("aws_config", LevelFilter::WARN),
    ("aws_config::sts", LevelFilter::ERROR),
    ("aws_runtime", LevelFilter::ERROR),
];
