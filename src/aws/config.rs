//! The SDK's configuration: credentials, endpoints, proxy, private CA, timeouts, retries and retry partitions.

use super::call::TellSink;
use super::clients::{Clients, RateLimits, Remembered};
use super::credentials::{CredentialsSource, Loading, Renewed};
use super::profile;
use super::reply_bytes::ReplyBytes;
use super::sink::CallSink;
use super::throttling::RetryThrottled;
use super::trusted_ca::TrustedCa;
use super::whole_reply::{Refusals, WholeReplies};
use crate::describe_image::{Region, Role, Scope};
use aws_config::identity::IdentityCache;
use aws_config::meta::region::ProvideRegion;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, ConfigLoader, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ec2::config::retry::{ClientRateLimiter, RetryPartition, TokenBucket};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use std::sync::Arc;
use std::time::Duration;

/// The SDK settings that a user can change.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    pub connect_timeout: Duration,
    /// For one attempt, from the connection to the last byte of the reply.
    pub attempt_timeout: Duration,
    /// For one call with all its retries.
    pub operation_timeout: Duration,
    /// The most attempts of one call, the first included.
    pub max_attempts: u32,
    /// Certificates that are trusted in addition to the system's.
    pub trusted_ca: Option<TrustedCa>,
}

impl ClientSettings {
    /// The SDK's timeouts.
    #[must_use]
    pub fn timeouts(&self) -> TimeoutConfig {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(self.connect_timeout)
            .read_timeout(self.attempt_timeout)
            .operation_attempt_timeout(self.attempt_timeout)
            .operation_timeout(self.operation_timeout);
        timeouts.build()
    }

    /// The SDK's retries.
    #[must_use]
    pub fn retries(&self) -> RetryConfig {
        RetryConfig::standard().with_max_attempts(self.max_attempts)
    }
}

/// The region from the environment (AWS_REGION, AWS_DEFAULT_REGION), else from the profile, as in the AWS tools. An
/// empty variable counts as unset.
pub async fn default_region() -> Option<String> {
    let variable = |name| std::env::var(name).ok().filter(|region| !region.is_empty());
    match variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")) {
        Some(region) => Some(region),
        None => {
            let profile = ProfileFileRegionProvider::builder();
            let profile = if profile::nameless() { profile.profile_name("default") } else { profile };
            profile.build().region().await.map(|region| region.as_ref().to_owned())
        }
    }
}

/// A configuration and the provider of its credentials, which loads them again when AWS refuses them.
#[derive(Clone)]
pub(super) struct Base {
    pub config: SdkConfig,
    pub renewed: Option<Renewed>,
}

impl Base {
    /// The configuration with the process's own credentials. Every client derives from it.
    pub async fn own(settings: &ClientSettings, region: Option<&Region>) -> Self {
        let http = http_client(settings.trusted_ca.as_ref());
        let refusals = http.refusals.clone();
        let http = SharedHttpClient::new(http);
        let config = loader(settings, region, http.clone()).load().await;
        let (settings, region) = (settings.clone(), region.cloned());
        let load = move || -> Loading { Box::pin(loader(&settings, region.as_ref(), http.clone()).load()) };
        Self::with(&config, CredentialsSource::Own { load: Box::new(load), refusals })
    }

    /// The same configuration with the credentials of `role`. The credentials of `self` assume the role.
    pub async fn assuming(&self, role: &Role) -> Self {
        let provider =
            AssumeRoleProvider::builder(role.arn()).session_name(role.session_name()).configure(&self.config);
        let provider = match role.external_id() {
            Some(id) => provider.external_id(id),
            None => provider,
        };
        let provider = SharedCredentialsProvider::new(provider.build().await);
        Self::with(&self.config, CredentialsSource::Role { provider, base: self.renewed.clone() })
    }

    fn with(config: &SdkConfig, source: CredentialsSource) -> Self {
        let renewed = Renewed::new(source);
        let provider = SharedCredentialsProvider::new(renewed.clone());
        // The provider is the only cache, because it knows when AWS refuses the credentials.
        let config =
            config.to_builder().credentials_provider(provider).identity_cache(IdentityCache::no_cache()).build();
        Self { config, renewed: Some(renewed) }
    }
}

/// The SDK configuration with the process's own credentials.
pub async fn load(settings: &ClientSettings, region: Option<&Region>) -> SdkConfig {
    Base::own(settings, region).await.config
}

fn loader(settings: &ClientSettings, region: Option<&Region>, http: SharedHttpClient) -> ConfigLoader {
    let loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(aws_config::Region::new(region.map_or("us-east-1", Region::as_str).to_owned()))
        .retry_config(settings.retries())
        .timeout_config(settings.timeouts())
        .http_client(http);
    let loader = if profile::nameless() { loader.profile_name("default") } else { loader };
    match AppName::new("customimage-operator") {
        Ok(name) => loader.app_name(name),
        Err(_) => loader,
    }
}

/// The HTTP client of all services. It uses the environment's proxy, and checks that replies are complete.
fn http_client(trusted_ca: Option<&TrustedCa>) -> WholeReplies {
    let trust = trusted_ca.map_or_else(TrustStore::default, |ca| TrustStore::default().with_pem_certificate(ca.pem()));
    let context = TlsContext::builder().with_trust_store(trust).build().unwrap_or_default();
    WholeReplies {
        direct: client_through(ProxyConfig::disabled(), context.clone()),
        proxied: client_through(ProxyConfig::from_env(), context),
        refusals: Refusals::default(),
        reply_bytes: ReplyBytes::default(),
    }
}

fn client_through(proxy: ProxyConfig, context: TlsContext) -> SharedHttpClient {
    let client = Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder()
            .proxy_config(proxy.clone())
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .tls_context(context.clone());
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.build()
    });
    SharedHttpClient::new(client)
}

/// The clients of `scope`, each with its own retry quota. All accounts of a region share the SDK's default quotas, so
/// one throttled account would use up the retries of the others.
pub(super) fn clients(
    base: &Base,
    scope: &Scope,
    sink: &Arc<dyn CallSink>,
    rate_limits: Arc<RateLimits>,
    remembered: Arc<Remembered>,
) -> Clients {
    let region = aws_config::Region::new(scope.region.to_string());
    let config = base.config.to_builder().region(region).build();
    let has_own_endpoint = config.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
    let interceptor =
        || TellSink { sink: sink.clone(), rate_limits: rate_limits.clone(), renewed: base.renewed.clone() };
    let partition = |service: &str| retry_partition(service, scope);
    let ec2 = aws_sdk_ec2::config::Builder::from(&config)
        .retry_partition(partition("ec2"))
        .retry_classifier(RetryThrottled)
        .interceptor(interceptor());
    let cloudformation = aws_sdk_cloudformation::config::Builder::from(&config)
        .retry_partition(partition("cloudformation"))
        .retry_classifier(RetryThrottled)
        .interceptor(interceptor());
    let imagebuilder = aws_sdk_imagebuilder::config::Builder::from(&config)
        .retry_partition(partition("imagebuilder"))
        .retry_classifier(RetryThrottled)
        .interceptor(interceptor());
    let s3 = aws_sdk_s3::config::Builder::from(&config)
        .retry_partition(partition("s3"))
        .retry_classifier(RetryThrottled)
        .force_path_style(has_own_endpoint)
        .interceptor(interceptor());
    let logs = aws_sdk_cloudwatchlogs::config::Builder::from(&config)
        .retry_partition(partition("logs"))
        .retry_classifier(RetryThrottled)
        .interceptor(interceptor());
    Clients {
        ec2: aws_sdk_ec2::Client::from_conf(ec2.build()),
        cloudformation: aws_sdk_cloudformation::Client::from_conf(cloudformation.build()),
        imagebuilder: aws_sdk_imagebuilder::Client::from_conf(imagebuilder.build()),
        s3: aws_sdk_s3::Client::from_conf(s3.build()),
        logs: aws_sdk_cloudwatchlogs::Client::from_conf(logs.build()),
        // In the region that the credentials come from. STS in other regions may be unreachable, and is not needed.
        sts: aws_sdk_sts::Client::new(&base.config),
        credentials: config.credentials_provider(),
        rate_limits,
        remembered,
    }
}

fn retry_partition(service: &str, scope: &Scope) -> RetryPartition {
    RetryPartition::custom(format!("{service}/{}/{}", scope.identity.name, scope.region))
        .token_bucket(TokenBucket::builder().capacity(500).refill_rate(10.0).build())
        .client_rate_limiter(ClientRateLimiter::builder().build())
        .build()
}
