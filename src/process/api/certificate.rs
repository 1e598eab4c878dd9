//! The certificate of the interface, from a folder in the shape of a Secret of type kubernetes.io/tls, as cert-manager writes
//! it. A changed one is used from the next connection on.

use crate::process::followed::FromFiles;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// A certificate with its key, and what its holder's other replicas are verified with.
pub struct Certificate {
    key: Arc<CertifiedKey>,
    pub client: Arc<ClientConfig>,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidCertificate {
    #[error("{file}: {error}")]
    Unreadable { file: &'static str, error: std::io::Error },
    #[error("{file} has no PEM that can be read: {error}")]
    Pem { file: &'static str, error: pem::Error },
    #[error("ca.crt has no certificate that can be used")]
    Authority,
    #[error("tls.crt and tls.key cannot be used: {0}")]
    Tls(#[from] rustls::Error),
}

/// The text of the files in its folder. Other replicas are verified with `authority`; without one, with the certificate itself.
#[derive(Clone, PartialEq)]
pub struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    authority: Option<Vec<u8>>,
}

impl FromFiles for Certificate {
    type Content = Files;
    type Error = InvalidCertificate;

    const WHAT: &'static str = "certificate";

    fn read(folder: &Path) -> Result<Files, InvalidCertificate> {
        let read =
            |file| std::fs::read(folder.join(file)).map_err(|error| InvalidCertificate::Unreadable { file, error });
        let authority = read("ca.crt").ok().filter(|text| !text.trim_ascii().is_empty());
        Ok(Files { certificate: read("tls.crt")?, key: read("tls.key")?, authority })
    }

    fn parse(files: &Files) -> Result<Certificate, InvalidCertificate> {
        let chain = certificates("tls.crt", &files.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&files.key);
        let key = key.map_err(|error| InvalidCertificate::Pem { file: "tls.key", error })?;
        let trusted = match &files.authority {
            Some(authority) => certificates("ca.crt", authority)?,
            None => chain.clone(),
        };
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(trusted);
        if added == 0 {
            return Err(InvalidCertificate::Authority);
        }
        let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let key = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())?;
        Ok(Certificate { key: Arc::new(key), client: Arc::new(client) })
    }
}

fn certificates(file: &'static str, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, InvalidCertificate> {
    let failed = |error| InvalidCertificate::Pem { file, error };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(text).collect::<Result<_, _>>().map_err(failed)?;
    if chain.is_empty() { Err(failed(pem::Error::NoItemsFound)) } else { Ok(chain) }
}

/// The certificate that is in force now.
#[derive(Debug)]
struct Current(watch::Receiver<Arc<Certificate>>);

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Certificate")
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.borrow().key.clone())
    }
}

/// Makes TLS of connections, with the certificate that is in force at their beginning. HTTP/2 is not spoken.
pub fn acceptor(certificate: watch::Receiver<Arc<Certificate>>) -> TlsAcceptor {
    let resolver = Arc::new(Current(certificate));
    let mut config = ServerConfig::builder().with_no_client_auth().with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}
