//! A GET to the API server as its administrator, with only what readiness needs: no redirects, no chunked replies, no
//! keep-alive.

use std::{io, net::Ipv4Addr, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, IpAddr, Ipv4Addr as ServerAddress, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::{
    Error,
    certificate::{CertificateAuthority, Identity},
};

const LIMIT: Duration = Duration::from_secs(5);

pub struct Probe {
    connector: TlsConnector,
    port: u16,
}

impl Probe {
    pub fn new(authority: &CertificateAuthority, admin: &Identity, port: u16) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(authority.identity().certificate.clone()))?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(admin.key.pkcs8.clone()));
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![CertificateDer::from(admin.certificate.clone())], key)?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), port })
    }

    /// Ok if the answer is 200. Otherwise the error describes the answer or the failure, for a message.
    pub async fn get(&self, path: &str) -> Result<(), String> {
        let answer =
            timeout(LIMIT, self.exchange(path)).await.map_err(|_| format!("{path}: no answer within {LIMIT:?}"))?;
        let answer = answer.map_err(|error| format!("{path}: {error}"))?;
        if answer.starts_with("HTTP/1.0 200 ") || answer.starts_with("HTTP/1.1 200 ") {
            return Ok(());
        }
        Err(format!("{path}: {answer}"))
    }

    async fn exchange(&self, path: &str) -> io::Result<String> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        let name = ServerName::IpAddress(IpAddr::V4(ServerAddress::from([127, 0, 0, 1])));
        let mut stream = self.connector.connect(name, stream).await?;
        let request = format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer).await {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
            _ => Ok(String::from_utf8_lossy(&answer).into_owned()),
        }
    }
}
