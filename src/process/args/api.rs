//! The flags of the HTTP interface in the cluster.

use crate::process::api::ApiSettings;
use crate::process::args::mirror::ConfigurationUrl;
use crate::process::args::value::{Maybe, address, file, maybe_name};
use clap::{ArgAction, Args as ClapArgs};
use std::net::SocketAddr;
use std::path::PathBuf;

/// The API's operations that read images, over HTTPS, for those whom Kubernetes allows it. docs/http-api.md tells more.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "HTTP interface")]
pub struct ApiArgs {
    /// Address on which the interface is served, such as [::]:8443. Without it, it is off.
    #[arg(long, env = "CUSTOMIMAGE_API_LISTEN", value_name = "ADDRESS", value_parser = address, default_value = "", hide_default_value = true)]
    pub api_listen: Maybe<SocketAddr>,
    /// Folder of the certificate: tls.crt, tls.key and, if there is one, ca.crt. A change takes effect in seconds.
    #[arg(long, env = "CUSTOMIMAGE_API_CERTIFICATE", value_name = "FOLDER", value_parser = file, default_value = "", hide_default_value = true)]
    pub api_certificate: Maybe<PathBuf>,
    /// A name in the certificate. With it, a standby verifies the leader to which it passes requests on.
    #[arg(long, env = "CUSTOMIMAGE_API_SERVER_NAME", value_name = "NAME", value_parser = maybe_name, default_value = "", hide_default_value = true)]
    pub api_server_name: Maybe<String>,
    /// The audience that a caller's token must have.
    #[arg(long, env = "CUSTOMIMAGE_API_AUDIENCE", value_name = "NAME", default_value = "customimage-operator", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub api_audience: String,
    /// What imageConfiguration.url contains. A presigned URL is only for callers who may get images/configuration.
    #[arg(long, env = "CUSTOMIMAGE_API_CONFIGURATION_URL", value_enum, default_value_t = ConfigurationUrl::S3)]
    pub api_configuration_url: ConfigurationUrl,
    /// Requests that each user may make in a second. Twice as many may come at once.
    #[arg(long, env = "CUSTOMIMAGE_API_REQUESTS_PER_SECOND", value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub api_requests_per_second: u32,
    /// Serve /metrics there and no longer at --listen, to callers who may get the URL /metrics. For them, a token for
    /// the API server is enough.
    #[arg(long, env = "CUSTOMIMAGE_API_METRICS", default_value_t = false, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = clap::builder::BoolishValueParser::new())]
    pub api_metrics: bool,
}

/// Flags of the interface that do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidApi {
    #[error("--api-listen needs --api-certificate: a folder with tls.crt and tls.key")]
    NoCertificate,
    #[error("--api-metrics needs --api-listen, such as [::]:8443")]
    NoAddress,
}

impl ApiArgs {
    /// The settings of the interface. `None` if it is off.
    ///
    /// # Errors
    /// When a flag is missing that another one needs.
    pub fn settings(&self) -> Result<Option<ApiSettings>, InvalidApi> {
        match (self.api_listen.0, &self.api_certificate.0) {
            (Some(listen), Some(certificate)) => Ok(Some(ApiSettings {
                listen,
                certificate: certificate.clone(),
                server_name: self.api_server_name.0.clone(),
                audience: self.api_audience.clone(),
                presigned_urls: self.api_configuration_url == ConfigurationUrl::Presigned,
                requests_per_second: self.api_requests_per_second,
                metrics: self.api_metrics,
            })),
            (Some(_), None) => Err(InvalidApi::NoCertificate),
            (None, _) if self.api_metrics => Err(InvalidApi::NoAddress),
            (None, _) => Ok(None),
        }
    }
}
