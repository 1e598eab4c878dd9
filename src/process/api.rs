//! The HTTP interface in the cluster: the API's operations that read images, over HTTPS, for those whom Kubernetes allows it.
//! The base URL says for which namespace and identity: `/namespaces/NAMESPACE[/identities/NAME]/v3/…`.
//!
//! - `address`: the base URL.
//! - `gate`: who asks, whether they may, and how often. `rates`: the share of each user. `log`: lines about refused requests.
//!   `metrics`: what is counted.
//! - `tenant`: the answers, from the reflector's store or from AWS. `lists`: lists that several callers share.
//! - `leader`: passes a request on to the replica that leads.
//! - `certificate`: the certificate, and its changes.

mod address;
mod certificate;
mod gate;
mod leader;
mod lists;
mod log;
mod metrics;
mod rates;
mod tenant;

use crate::aws::Aws;
use crate::kubernetes::callers::Callers;
use crate::kubernetes::client::Client;
use crate::kubernetes::mirror::Mirror;
use crate::process::followed::{FromFiles, follow};
use crate::process::http::connections::{Limits, serve_over};
use crate::process::http::listen;
use crate::process::http::scrape::Scrapes;
use certificate::{Certificate, InvalidCertificate};
use gate::Gate;
use leader::Leader;
use lists::Lists;
use log::Refusals;
use metrics::ApiMetrics;
use prometheus_client::registry::Registry;
use rates::Rates;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tenant::Shared;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

/// The settings of the interface.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    pub listen: SocketAddr,
    /// The folder with tls.crt, tls.key and perhaps ca.crt.
    pub certificate: PathBuf,
    /// The name by which a standby verifies the leader. `None`: it passes no request on.
    pub server_name: Option<String>,
    /// The audience of the callers' tokens.
    pub audience: String,
    /// Whether callers with the right get presigned URLs.
    pub presigned_urls: bool,
    /// The requests of each user.
    pub requests_per_second: u32,
    /// Whether /metrics is served there.
    pub metrics: bool,
}

/// Why the interface cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("cannot listen on {address} (--api-listen): {error}")]
    Listen { address: SocketAddr, error: std::io::Error },
    #[error("{folder} (--api-certificate): {error}")]
    Certificate { folder: String, error: InvalidCertificate },
    #[error("{0}")]
    Other(String),
}

/// Whether the certificate can be read and used.
///
/// # Errors
/// If not.
pub fn is_certificate_usable(settings: &ApiSettings) -> Result<(), InvalidCertificate> {
    Certificate::parse(&Certificate::read(&settings.certificate)?).map(drop)
}

/// What the clients may take. A connection is kept for more requests, and ends when it has been idle.
fn limits() -> Limits {
    let seconds = Duration::from_secs;
    Limits {
        header_bytes: 32 * 1024,
        connections: 1000,
        header: seconds(15),
        connection: seconds(600),
        end: seconds(5),
        reading: seconds(30),
        keep_alive: true,
    }
}

/// Time between two looks for images that nobody asks for any more.
const SEE_OFF: Duration = Duration::from_secs(10);

/// The interface, which does not answer yet.
pub struct Api {
    settings: ApiSettings,
    listener: TcpListener,
    certificate: watch::Receiver<Arc<Certificate>>,
    callers: Callers,
    metrics: ApiMetrics,
}

impl Api {
    /// Listens, and reads the certificate. Registers the metrics in `registry`.
    ///
    /// # Errors
    /// If the address is in use, or the certificate is invalid.
    pub fn open(settings: ApiSettings, client: Client, registry: &mut Registry) -> Result<Self, ApiError> {
        let address = settings.listen;
        let listener = listen(address).map_err(|error| ApiError::Listen { address, error })?;
        let folder = settings.certificate.clone();
        let metrics = ApiMetrics::register(registry);
        let certificate = follow::<Certificate>(folder.clone(), metrics.certificate_valid.clone());
        let folder = folder.display().to_string();
        let certificate = certificate.map_err(|error| ApiError::Certificate { folder, error })?;
        let callers = Callers::new(client, settings.audience.clone(), registry).map_err(ApiError::Other)?;
        Ok(Self { settings, listener, certificate, callers, metrics })
    }

    /// Where other replicas reach it: at the address of this pod, `POD_IP`.
    pub fn address(&self) -> Option<SocketAddr> {
        let pod: IpAddr = std::env::var("POD_IP").ok()?.parse().ok()?;
        Some(SocketAddr::new(pod, self.listener.local_addr().ok()?.port()))
    }

    /// Serves until `stop` is cancelled. `leader` is where another process that leads serves, and `scrapes` the text of
    /// /metrics.
    pub async fn serve(
        self,
        mirror: Mirror<Aws>,
        leader: watch::Receiver<Option<SocketAddr>>,
        scrapes: Arc<Scrapes>,
        stop: CancellationToken,
    ) {
        let Self { settings, listener, certificate, callers, metrics } = self;
        let acceptor = certificate::acceptor(certificate.clone());
        let presigned_urls = settings.presigned_urls;
        let shared = Arc::new(Shared { mirror, callers, lists: Lists::default(), presigned_urls });
        let gate = Arc::new(Gate {
            shared: shared.clone(),
            rates: Rates::new(settings.requests_per_second),
            leader: Leader::new(leader, certificate, settings.server_name),
            refusals: Refusals::default(),
            metrics,
            scrapes: settings.metrics.then_some(scrapes),
        });
        if let Ok(address) = listener.local_addr() {
            tracing::info!(listen = %address, "the HTTP interface is served");
        }
        let seeing_off = async {
            let mut ticks = interval(SEE_OFF);
            loop {
                ticks.tick().await;
                shared.mirror.reflector.see_off_guests();
            }
        };
        let open = |stream| acceptor.accept(stream);
        tokio::select! {
            () = serve_over(listener, open, gate::router(gate), limits(), stop) => {}
            () = seeing_off => {}
        }
    }
}
