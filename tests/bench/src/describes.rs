//! Sends requests to the HTTP interface over TLS connections that stay open, each as soon as the answer before it is read.

use super::Failure;
use clap::Args;
use futures::future::try_join_all;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, HOST, HeaderValue};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

#[derive(Args)]
pub struct Arguments {
    /// Address and port of the interface
    #[arg(long)]
    address: String,
    /// A name in its certificate
    #[arg(long)]
    server_name: String,
    /// File with the certificate of the authority that signed it
    #[arg(long)]
    ca: PathBuf,
    /// File with the caller's token
    #[arg(long)]
    token: PathBuf,
    /// File with a path in each line, in the order of the requests
    #[arg(long)]
    paths: PathBuf,
    /// Number of connections
    #[arg(long)]
    connections: usize,
}

/// The requests, and how many of them are taken.
struct Requests {
    host: HeaderValue,
    authorization: HeaderValue,
    paths: Vec<Uri>,
    taken: AtomicUsize,
}

/// What the answers on one connection were.
#[derive(Default)]
struct Answers {
    times: Vec<Duration>,
    codes: BTreeMap<u16, usize>,
    bytes: usize,
}

/// Prints what it measured, as JSON. The time begins when all connections are open.
///
/// # Errors
/// If the files are invalid, or if a connection fails. An answer with a code of an error is counted.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let requests = Arc::new(Requests::read(&arguments)?);
    let tls = tls(&arguments.ca)?;
    let open = (0..arguments.connections).map(|_| connect(&arguments, &tls));
    let connections = try_join_all(open).await?;
    let begun = Instant::now();
    let tasks = connections.into_iter().map(|connection| tokio::spawn(converse(connection, requests.clone())));
    let answers = try_join_all(tasks).await?.into_iter().collect::<Result<Vec<_>, _>>()?;
    print(answers, begun.elapsed());
    Ok(())
}

fn tls(ca: &Path) -> Result<TlsConnector, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca)?)?;
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn connect(arguments: &Arguments, tls: &TlsConnector) -> Result<SendRequest<Empty<Bytes>>, Failure> {
    let stream = TcpStream::connect(&arguments.address).await?;
    stream.set_nodelay(true)?;
    let stream = tls.connect(ServerName::try_from(arguments.server_name.clone())?, stream).await?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // If it fails, the sender says so.
    tokio::spawn(connection);
    Ok(sender)
}

/// Sends one request after the other, until all are taken.
async fn converse(mut connection: SendRequest<Empty<Bytes>>, requests: Arc<Requests>) -> Result<Answers, Failure> {
    let mut answers = Answers::default();
    while let Some(request) = requests.next()? {
        let begun = Instant::now();
        connection.ready().await?;
        let reply = connection.send_request(request).await?;
        let code = reply.status().as_u16();
        answers.bytes += reply.into_body().collect().await?.to_bytes().len();
        answers.times.push(begun.elapsed());
        *answers.codes.entry(code).or_default() += 1;
    }
    Ok(answers)
}

impl Requests {
    fn read(arguments: &Arguments) -> Result<Self, Failure> {
        let paths = read_to_string(&arguments.paths)?;
        Ok(Self {
            host: HeaderValue::from_str(&arguments.server_name)?,
            authorization: HeaderValue::from_str(&format!("Bearer {}", read_to_string(&arguments.token)?.trim()))?,
            paths: paths.lines().map(str::parse).collect::<Result<_, _>>()?,
            taken: AtomicUsize::new(0),
        })
    }

    fn next(&self) -> Result<Option<Request<Empty<Bytes>>>, Failure> {
        let Some(path) = self.paths.get(self.taken.fetch_add(1, Ordering::Relaxed)) else { return Ok(None) };
        let request = Request::get(path.clone()).header(HOST, &self.host).header(AUTHORIZATION, &self.authorization);
        Ok(Some(request.body(Empty::new())?))
    }
}

fn print(answers: Vec<Answers>, time: Duration) {
    let (mut times, mut codes, mut bytes) = (Vec::new(), BTreeMap::<u16, usize>::new(), 0);
    for one in answers {
        times.extend(one.times);
        one.codes.into_iter().for_each(|(code, count)| *codes.entry(code).or_default() += count);
        bytes += one.bytes;
    }
    times.sort_unstable();
    // The smallest time that so many of a hundred answers did not exceed.
    let percentile = |percent: usize| {
        let rank = (times.len() * percent).div_ceil(100).max(1);
        times.get(rank - 1).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    };
    let (count, seconds) = (times.len(), time.as_secs_f64());
    let found = json!({
        "requests": count, "seconds": seconds, "per_second": count as f64 / seconds, "p50_ms": percentile(50),
        "p99_ms": percentile(99), "max_ms": percentile(100), "codes": codes, "bytes": bytes,
    });
    println!("{found}");
}
