//! The client for the API server. It uses a proxy if kubectl would use one, and renews credentials that are refused.

mod once;
mod overload;
mod renewal;

use crate::kubernetes::custom_image::CustomImage;
use crate::kubernetes::told::words;
use crate::proxy::Proxy;
use futures::FutureExt;
use futures::future::BoxFuture;
use hyper::body::Bytes;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::rt::TokioExecutor;
use kube::Api;
use kube::client::{Body, ClientBuilder, ConfigExt};
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use once::StatusOnce;
pub use renewal::Transport;
use renewal::renewed_at_401;
use std::path::PathBuf;
use std::time::Duration;
use tower::retry::RetryLayer;
use tower::util::BoxCloneService;
use tower::{BoxError, Service, ServiceBuilder};

pub use kube::Client;
use kube::Config;

/// The longest time without data on a connection. It is longer than a watch lasts (`watch::DEFAULT_SILENCE`), so that
/// a watch ends by itself before.
pub const SILENCE: Duration = Duration::from_secs(125);

/// Which API server to use. By default the one that kubectl uses, else the pod's own.
#[derive(Clone, Debug, Default)]
pub struct ClusterSettings {
    /// The kubeconfig file, in place of those that kubectl reads.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it, in place of its current context.
    pub context: Option<String>,
}

impl ClusterSettings {
    /// The kubeconfig. Like kubectl, it leaves out files of KUBECONFIG that do not exist, if one does.
    fn read(&self) -> Result<Kubeconfig, KubeconfigError> {
        if let Some(file) = &self.kubeconfig {
            return Kubeconfig::read_from(file);
        }
        let files = std::env::var_os("KUBECONFIG").unwrap_or_default();
        let existing: Vec<_> = std::env::split_paths(&files).filter(|file| file.is_file()).collect();
        let Some((first, rest)) = existing.split_first() else { return Kubeconfig::read() };
        rest.iter().try_fold(Kubeconfig::read_from(first)?, |all, file| all.merge(Kubeconfig::read_from(file)?))
    }

    async fn config(&self) -> Result<Config, BoxError> {
        let chosen = self.of_kubeconfig().await;
        if chosen.is_ok() || self.kubeconfig.is_some() || self.context.is_some() {
            return chosen;
        }
        let fix = "set KUBECONFIG, or run in a pod with a ServiceAccount";
        Config::infer().await.map_err(|error| format!("{error}; {fix}").into())
    }

    async fn of_kubeconfig(&self) -> Result<Config, BoxError> {
        let kubeconfig = self.read()?;
        if let Some(context) = &self.context
            && !kubeconfig.contexts.iter().any(|one| one.name == *context)
        {
            let names: Vec<_> = kubeconfig.contexts.iter().map(|one| one.name.as_str()).collect();
            return Err(format!("the kubeconfig has no context {context}; it has: {}", names.join(", ")).into());
        }
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        Ok(Config::from_custom_kubeconfig(kubeconfig, &options).await?)
    }
}

/// Makes a client. It finds the API server and the proxy as kubectl does.
///
/// # Errors
/// If there is neither a usable kubeconfig nor a ServiceAccount, or if the proxy is invalid, unreachable or refuses the
/// connection. A proxy that is only slow is no error.
pub async fn connect(cluster: &ClusterSettings) -> Result<Client, BoxError> {
    let (config, proxy) = settings(cluster).await?;
    if let Some(proxy) = &proxy
        && let Some(refused) = proxy.refusal(&config.cluster_url).await.filter(|refused| !refused.is_slow)
    {
        return Err(refused.into());
    }
    let namespace = config.default_namespace.clone();
    let cluster = cluster.clone();
    Ok(over(transport(&config, proxy)?, move || afresh(cluster.clone()).boxed(), &namespace))
}

/// The client over a transport. `afresh` makes another one when the API server refuses the credentials.
pub fn over<B, M>(transport: Transport<B>, afresh: M, namespace: &str) -> Client
where
    B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    M: Fn() -> BoxFuture<'static, Result<Transport<B>, BoxError>> + Send + Sync + 'static,
{
    let service = ServiceBuilder::new().map_response(overload::with_reason).service(renewed_at_401(transport, afresh));
    ClientBuilder::new(service, namespace).build()
}

/// The CustomImage `name`. `None` if there is none.
///
/// # Errors
/// If the API server does not answer or refuses, in its words.
pub async fn custom_image(client: Client, namespace: &str, name: &str) -> Result<Option<CustomImage>, String> {
    let api: Api<CustomImage> = Api::namespaced(client, namespace);
    api.get_opt(name).await.map_err(|error| words(&error))
}

/// What the kubeconfig or the pod says now.
async fn settings(cluster: &ClusterSettings) -> Result<(Config, Option<Proxy>), BoxError> {
    let mut config = cluster.config().await?;
    config.connect_timeout = Some(Duration::from_secs(10));
    config.read_timeout = Some(SILENCE);
    let proxy = proxy(cluster, &mut config)?;
    Ok((config, proxy))
}

/// A transport with new credentials.
async fn afresh(cluster: ClusterSettings) -> Result<Transport, BoxError> {
    let (config, proxy) = settings(&cluster).await?;
    // It waits for the credentials' plugin.
    tokio::task::spawn_blocking(move || transport(&config, proxy)).await?
}

/// The proxy of the kubeconfig's cluster, else of the environment. Takes the proxy out of `config`, because kube would
/// compare NO_PROXY with the proxy's own address.
fn proxy(cluster: &ClusterSettings, config: &mut Config) -> Result<Option<Proxy>, BoxError> {
    if config.proxy_url.take().is_none() {
        return Ok(None);
    }
    let of_cluster = cluster.read().ok().and_then(|kubeconfig| {
        let context = cluster.context.clone().or(kubeconfig.current_context)?;
        let context = kubeconfig.contexts.into_iter().find(|one| one.name == context)?.context?;
        let cluster = kubeconfig.clusters.into_iter().find(|one| one.name == context.cluster)?.cluster?;
        cluster.proxy_url.filter(|url| !url.is_empty())
    });
    match of_cluster {
        Some(url) => Ok(Some(Proxy::parse(&url).map_err(|problem| format!("proxy-url of the kubeconfig {problem}"))?)),
        None => Ok(Proxy::of_api_server(&config.cluster_url)?),
    }
}

fn transport(config: &Config, proxy: Option<Proxy>) -> Result<Transport, BoxError> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    let Some(proxy) = proxy else { return layered(connector, config) };
    match proxy.uri().scheme_str() {
        Some("http") => layered(tunnel(&proxy, connector)?, config),
        Some("https") => {
            let connector = config.rustls_https_connector_with_connector(connector)?;
            layered(tunnel(&proxy, connector)?, config)
        }
        _ => Err(format!("the proxy {proxy} is not supported: use an http:// or https:// proxy").into()),
    }
}

fn tunnel<C>(proxy: &Proxy, connector: C) -> Result<Tunnel<C>, BoxError> {
    let tunnel = Tunnel::new(proxy.uri().clone(), connector);
    Ok(match proxy.authorization() {
        Some(value) => tunnel.with_auth(value.parse()?),
        None => tunnel,
    })
}

/// The layers on this connector: kube's own, but a status is sent once, and with less patience. By kube's policy a
/// request that the API server refuses as overloaded waits out as many pauses as the API server asks for, and ends as
/// "no answer in time".
fn layered<C>(connector: C, config: &Config) -> Result<Transport, BoxError>
where
    C: Service<http::Uri> + Clone + Send + Sync + 'static,
    C::Response: Connection + hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: std::error::Error + Send + Sync + 'static,
{
    let secure = config.rustls_https_connector_with_connector(connector)?;
    let mut timed = hyper_timeout::TimeoutConnector::new(secure);
    timed.set_connect_timeout(config.connect_timeout);
    timed.set_read_timeout(config.read_timeout);
    timed.set_write_timeout(config.write_timeout);
    let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build::<_, Body>(timed);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(RetryLayer::new(StatusOnce::default()))
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(client);
    Ok(BoxCloneService::new(service))
}
