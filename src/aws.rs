//! The AWS adapter: the port [`ImageSource`] over the official SDK. One file a service; the only code that names
//! `aws_*`. Nothing here creates, tags, puts or deletes.

mod advice;
pub(crate) mod budget;
mod call;
mod clients;
mod cloudformation;
mod config;
mod credentials;
mod ec2;
mod error;
mod imagebuilder;
mod pagination;
mod partition;
mod probe;
mod profile;
mod refused;
mod s3;
mod source;
mod throttling;
mod trusted_ca;
mod whole_reply;

pub use budget::{Budget, Limit};
pub use call::{Call, CallOutcome, CallSink, IgnoreCalls};
pub use config::{ClientSettings, default_region, load};
pub use probe::{ASSUME_ROLE, Caller, Permission, Probe};
pub use source::Aws;
pub use trusted_ca::{InvalidCaBundle, TrustedCa};

/// What the SDK may log at the most: at trace it writes whole replies, those that carry credentials too, and at info what a profile
/// holds. Its files are read once a minute, and what is odd about them would be said as often.
pub const LOG_CEILING: &str = "aws_smithy_runtime=info,aws_smithy_http_client=info,aws_sigv4=info,aws_config=warn,aws_config::sts=error,aws_runtime=error";
