//! The SDK's configuration, on a transport of the simulation.

use std::time::SystemTime;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use customimage_operator::aws::{ClientSettings, WholeReplies};

use crate::aws::Transport;
use crate::time;

#[derive(Debug)]
struct WallClock(usize);

impl TimeSource for WallClock {
    fn now(&self) -> SystemTime {
        time::clock(self.0).now().into()
    }
}

/// The operator's timeouts and retries.
pub fn config(settings: &ClientSettings, transport: Transport, replica: usize) -> SdkConfig {
    let credentials = Credentials::new("AKIA111122223333", "secret", None, None, "simulation");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(aws_config::Region::new("eu-west-1"))
        .retry_config(settings.retries())
        .timeout_config(settings.timeouts())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .time_source(SharedTimeSource::new(WallClock(replica)))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(WholeReplies::over(SharedHttpClient::new(transport)))
        .build()
}
