//! A plain HTTP client, `serve`, and the official program's API server.

use super::describe::{Answer, clean, program};
use super::oracle;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;

/// The reply to a request.
#[derive(Clone, Debug)]
pub struct Reply {
    pub code: u16,
    /// The lines of the header.
    pub head: String,
    pub text: String,
    /// The text as JSON; `Null` if it is not JSON.
    pub body: Value,
    /// When it came, in seconds since 1970.
    pub at: i64,
}

impl Reply {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// As an answer of a program that ends with 1 after an error.
    pub fn as_answer(&self) -> Answer {
        let Self { code, text, body, at, .. } = self.clone();
        Answer { text, body, code: i32::from(code != 200), stderr: String::new(), at }
    }
}

/// Sends one request without a body.
pub async fn request(address: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    exchange(TcpStream::connect(address).await.unwrap(), method, path, headers).await
}

/// Sends one request over TLS to the server `name`, whose CA is in the file `ca`.
pub async fn request_tls(
    (address, name, ca): (&str, &'static str, &Path),
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> std::io::Result<Reply> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let server = ServerName::try_from(name).unwrap();
    let stream = TcpStream::connect(address).await?;
    let stream = TlsConnector::from(Arc::new(config)).connect(server, stream).await?;
    Ok(exchange(stream, method, path, headers).await)
}

async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Reply {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    stream.write_all(format!("{method} {path} HTTP/1.0\r\n{headers}\r\n").as_bytes()).await.unwrap();
    // TLS may keep a part of what is written.
    stream.flush().await.unwrap();
    let mut reply = String::new();
    let read = stream.read_to_string(&mut reply).await;
    assert!(read.is_ok(), "{method} {path}: {read:?} after {reply:?}");
    let (head, text) = reply.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{method} {path}: {reply:?}"));
    Reply {
        code: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_owned(),
        body: serde_json::from_str(text).unwrap_or(Value::Null),
        text: text.to_owned(),
        at: jiff::Timestamp::now().as_second(),
    }
}

/// A running `serve`. Dropping it kills it.
pub struct Serve {
    pub address: String,
    pub process: Child,
}

impl Serve {
    pub async fn start(endpoint: &str, more: &[&str]) -> Self {
        let mut command = program(endpoint);
        command.args(["serve", "--listen", "127.0.0.1:0", "--aws-max-attempts", "2"]).args(more);
        let mut process = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next_line().await.unwrap().expect("serve ended");
            if let Some(rest) = line.split("serves http://").nth(1) {
                break rest.split('/').next().unwrap().to_owned();
            }
        };
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { address, process }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path).await
    }

    pub async fn ask(&self, method: &str, path: &str) -> Reply {
        request(&self.address, method, path, &[("Host", &self.address)]).await
    }
}

/// One server of the official program for all tests: it takes seconds to start.
static REFERENCE: OnceCell<(String, Child)> = OnceCell::const_new();

/// The answer of the official program's server, which reads AWS at `endpoint`.
pub async fn reference(endpoint: &str, method: &str, path: &str) -> Reply {
    let (address, _) = REFERENCE.get_or_init(start_reference).await;
    request(address, method, path, &[("Host", address), ("X-Endpoint", endpoint)]).await
}

async fn start_reference() -> (String, Child) {
    let mut command = Command::new(oracle::environment().join("bin/python"));
    clean(&mut command, "http://127.0.0.1:9");
    oracle::keep_offline(&mut command);
    command.arg(super::project().join("tests/oracle/server.py")).env("AWS_DEFAULT_REGION", "eu-west-1");
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let port = lines.next_line().await.unwrap().expect("the official server ended");
    (format!("127.0.0.1:{port}"), process)
}
