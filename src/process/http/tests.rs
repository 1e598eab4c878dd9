use super::*;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Registry;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

/// No test waits longer for a fact.
const PATIENCE: Duration = Duration::from_secs(30);

struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
    /// Keeps readiness as it is.
    _ready: watch::Sender<Readiness>,
}

impl Server {
    fn start(limits: Limits, registry: Registry) -> Self {
        let listener = listen("[::]:0".parse().unwrap()).unwrap();
        let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), listener.local_addr().unwrap().port());
        let (_ready, readiness) = watch::channel(Ok(()));
        let stop = CancellationToken::new();
        let probes = Probes { scrapes: Some(Arc::new(Scrapes::new(Arc::new(registry)))), readiness };
        let task = tokio::spawn(serve(listener, probes, limits, stop.clone()));
        Self { address, stop, task, _ready }
    }

    async fn send(&self, text: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // The server may close the connection before it has everything.
        let _ = stream.write_all(text).await;
        stream
    }

    async fn get(&self, path: &str) -> String {
        read(self.send(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).await).await
    }

    /// Stops it and waits for its end.
    async fn end(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.task).await.expect("it ends").unwrap();
    }
}

/// All that comes until the connection ends.
async fn read(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("the connection ends");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Metrics with this many lines, and how often they were encoded.
#[derive(Clone, Debug)]
struct Lines(usize, Arc<AtomicUsize>);

impl Collector for Lines {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.1.fetch_add(1, Ordering::Relaxed);
        for number in 0..self.0 {
            let counter = ConstCounter::new(1_u64);
            let name = format!("line_{number}");
            let metric = encoder.encode_descriptor(&name, "A line", None, counter.metric_type())?;
            counter.encode(metric)?;
        }
        Ok(())
    }
}

fn lines(count: usize) -> (Registry, Arc<AtomicUsize>) {
    let encoded = Arc::new(AtomicUsize::new(0));
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Lines(count, encoded.clone())));
    (registry, encoded)
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_are_answered_within_a_second_while_half_requests_hammer_the_port() {
    // Encoding takes long enough that scrapes wait for one another.
    let server = Server::start(Limits::default(), lines(500).0);
    let (address, opened) = (server.address, Arc::new(AtomicUsize::new(0)));
    let count = opened.clone();
    // Well below 1,024 files, the usual limit of a process.
    let hammer = tokio::spawn(async move {
        let mut held = std::collections::VecDeque::new();
        loop {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let _ = stream.write_all(b"GET /livez HTTP/1.1\r\nx: ").await;
            held.push_back(stream);
            count.fetch_add(1, Ordering::Relaxed);
            if held.len() > 500 {
                held.pop_front();
            }
        }
    });
    let (mut probes, mut late) = (0, 0);
    while probes < 12 || opened.load(Ordering::Relaxed) < 5_000 {
        for path in ["/livez", "/readyz", "/metrics"] {
            let begin = Instant::now();
            let reply = server.get(path).await;
            assert!(reply.starts_with("HTTP/1.1 200 "), "{path}: {reply}");
            (probes, late) = (probes + 1, late + usize::from(begin.elapsed() > Duration::from_secs(1)));
        }
    }
    hammer.abort();
    // All are answered. A few may be late where other tests take the CPU; the kubelet forgives two in a row.
    assert!(late * 10 <= probes, "{late} of {probes} were late");
    server.end().await;
}

#[tokio::test]
async fn one_connection_too_many_closes_the_oldest() {
    let server = Server::start(Limits { connections: 2, ..Limits::default() }, Registry::default());
    let oldest = server.send(b"GET /livez").await;
    let mut newer = server.send(b"GET /livez").await;
    assert_eq!(server.get("/livez").await.lines().last(), Some("ok"));
    assert_eq!(read(oldest).await, "");
    newer.write_all(b" HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(read(newer).await.lines().last(), Some("ok"), "the newer one was kept");
}

#[tokio::test]
async fn a_header_of_more_than_8_kib_or_100_lines_is_refused() {
    let server = Server::start(Limits::default(), Registry::default());
    let request = |header: &str| format!("GET /livez HTTP/1.1\r\n{header}\r\n");
    let large = |bytes: usize| request(&format!("x: {}\r\n", "a".repeat(bytes)));
    assert!(read(server.send(large(8_000).as_bytes()).await).await.starts_with("HTTP/1.1 200 "));
    for refused in [large(8_200), large(390_000), request(&"x: a\r\n".repeat(101))] {
        let reply = read(server.send(refused.as_bytes()).await).await;
        assert!(reply.is_empty() || reply.starts_with("HTTP/1.1 431 "), "{reply}");
    }
}

#[tokio::test]
async fn http_2_is_not_spoken() {
    let server = Server::start(Limits::default(), Registry::default());
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let reply = read(server.send(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..]].concat()).await).await;
    assert!(reply.is_empty() || reply.starts_with("HTTP/1.1 4"), "{reply:?}");
}

#[tokio::test]
async fn a_header_that_comes_slowly_is_cut_off() {
    let header = Duration::from_millis(300);
    let server = Server::start(Limits { header, ..Limits::default() }, Registry::default());
    let mut stream = server.send(b"GET /livez HTTP/1.1\r\nx: ").await;
    let (begin, mut reply) = (Instant::now(), [0; 100]);
    // A byte comes every 50 ms, so the time counts from the begin and not from the last byte.
    while timeout(Duration::from_millis(50), stream.read(&mut reply)).await.is_err() {
        assert!(begin.elapsed() < Limits::default().header, "the connection is still open");
        let _ = stream.write_all(b"a").await;
    }
    assert!(begin.elapsed() >= header, "it was open for {:?}", begin.elapsed());
}

#[tokio::test]
async fn each_connection_takes_one_request_and_a_body_is_not_read() {
    let server = Server::start(Limits::default(), Registry::default());
    let twice = b"GET /livez HTTP/1.1\r\n\r\nGET /livez HTTP/1.1\r\n\r\n";
    assert_eq!(read(server.send(twice).await).await.matches("HTTP/1.1 200 ").count(), 1);
    let endless = b"GET /livez HTTP/1.1\r\ncontent-length: 1000000000\r\n\r\n";
    assert_eq!(read(server.send(endless).await).await.lines().last(), Some("ok"));
}

/// A client that asks for all metrics and reads nothing. Little of the answer fits into its buffer.
async fn deaf(server: &Server) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").await.unwrap();
    let mut begin = [0; 15];
    stream.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200 OK");
    stream
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let connection = Duration::from_secs(3);
    let limits = Limits { connection, end: PATIENCE * 2, ..Limits::default() };
    let server = Server::start(limits, lines(100_000).0);
    let deaf = deaf(&server).await;
    // The server waits for all answers that are under way.
    server.end().await;
    drop(deaf);
}

#[tokio::test]
async fn when_it_stops_an_answer_is_finished_and_a_half_request_holds_up_nothing() {
    let limits = Limits { end: PATIENCE, ..Limits::default() };
    let server = Server::start(limits, lines(100_000).0);
    let reading = deaf(&server).await;
    server.stop.cancel();
    let reply = read(reading).await;
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("content-length: {}", body.len())), "{head}: {}", body.len());
    server.end().await;

    let server = Server::start(Limits { end: Duration::from_millis(100), ..Limits::default() }, Registry::default());
    let half = server.send(b"GET /livez HTTP/1.1\r\n").await;
    assert_eq!(server.get("/livez").await.lines().last(), Some("ok"), "the half request has been accepted");
    let begin = Instant::now();
    server.end().await;
    assert!(begin.elapsed() < Limits::default().header, "it took {:?}", begin.elapsed());
    drop(half);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_scrapes_at_once_share_a_few_encodings() {
    let (registry, encoded) = lines(5_000);
    let server = Arc::new(Server::start(Limits { connections: 500, ..Limits::default() }, registry));
    let mut scrapes = JoinSet::new();
    for _ in 0..200 {
        let server = server.clone();
        scrapes.spawn(async move { server.get("/metrics").await });
    }
    for reply in scrapes.join_all().await {
        assert!(reply.contains("line_4999_total 1"), "{reply:.200}");
    }
    let encoded = encoded.load(Ordering::Relaxed);
    assert!((1..=10).contains(&encoded), "encoded {encoded} times");
}

#[tokio::test]
async fn a_scrape_shows_what_was_counted_before_it_came() {
    let mut registry = Registry::default();
    let counter = prometheus_client::metrics::counter::Counter::<u64>::default();
    registry.register("seen", "Counted", counter.clone());
    let server = Server::start(Limits::default(), registry);
    for number in 1..=5 {
        counter.inc();
        let reply = server.get("/metrics").await;
        assert!(reply.contains(&format!("seen_total {number}\n")), "{reply}");
    }
}

#[tokio::test]
async fn it_answers_on_ipv4_and_on_ipv6() {
    let mut server = Server::start(Limits::default(), Registry::default());
    assert_eq!(server.get("/livez").await.lines().last(), Some("ok"));
    // A machine may have no IPv6.
    let address = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), server.address.port());
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.is_ok() {
        server.address = address;
        assert_eq!(server.get("/livez").await.lines().last(), Some("ok"));
    }
}
