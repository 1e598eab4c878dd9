//! The connections of the HTTP server: how many, how long, and which one makes room for a new one. Whoever reaches the
//! port can open connections and say nothing, or little, or read nothing. The probes of the kubelet must still be answered.

use axum::Router;
use axum::http::Request;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::HashMap;
use std::io::{Error, ErrorKind};
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// After closing as many connections as half of those that are open, the server waits a moment for the runtime, which
/// then sees what has arrived on all others. So a request that is here is read before its connection is the oldest, even
/// on a busy machine. A longer wait would let the kernel's queue of connections overflow.
const TURN: Duration = Duration::from_millis(1);
/// The pause when nothing can be accepted and no connection is left to close.
const PAUSE: Duration = Duration::from_millis(100);
/// A problem that lasts is logged this often.
const BETWEEN_WARNINGS: Duration = Duration::from_mins(1);

/// What the clients may take, all together and each of them.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The bytes of a request's header. The smallest that hyper allows are 8 KiB.
    pub header_bytes: usize,
    /// Connections at once. One more closes another one, of those who have most.
    pub connections: usize,
    /// From the begin of a connection to the end of the request's header.
    pub header: Duration,
    /// From the begin of a connection to its end. It ends a client that does not read the answer.
    pub connection: Duration,
    /// For the answers that are under way when the server stops.
    pub end: Duration,
    /// For a client that reads nothing of its answer.
    pub reading: Duration,
    /// Whether a connection takes more than one request.
    pub keep_alive: bool,
}

/// The address of the client: an extension of its requests.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        let (header, connection, end, reading) = (seconds(5), seconds(15), seconds(2), seconds(15));
        Self { header_bytes: 8 * 1024, connections: 100, header, connection, end, reading, keep_alive: false }
    }
}

/// Serves until `stop` is cancelled. Then it accepts nothing more and finishes the answers that are under way.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: CancellationToken) {
    serve_over(listener, |stream| std::future::ready(Ok(stream)), router, limits, stop).await;
}

/// Like [`serve`], over what `open_stream` makes of each connection, such as TLS. The time for it is part of the time for the
/// header.
pub async fn serve_over<F, Stream>(
    listener: TcpListener,
    open_stream: impl Fn(TcpStream) -> F,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) where
    F: Future<Output = std::io::Result<Stream>> + Send + 'static,
    Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut open = Open { connections: Vec::new(), closed: 0, warned: None };
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                open.shrink_to(limits.connections.saturating_sub(1)).await;
                let has_asked = Arc::new(AtomicBool::new(false));
                let peer = peer.ip().to_canonical();
                let opened = timeout(limits.header, open_stream(stream));
                let client = Client { peer, has_asked: has_asked.clone() };
                let task = tokio::spawn(converse(opened, client, router.clone(), limits, stop.clone()));
                open.connections.push(Connection { peer, has_asked, task });
                // A request that is here already is read before the next connection comes.
                yield_now().await;
            }
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => open.make_do(&error).await,
        }
    }
    drop(listener);
    let ended = async { futures::future::join_all(open.connections.iter_mut().map(|open| &mut open.task)).await };
    let _ = timeout(limits.end, ended).await;
    open.connections.iter().for_each(|connection| connection.task.abort());
}

/// Errors of the connection that was to be accepted. The next one may be fine.
fn is_of_the_client(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused)
}

/// Reads one request and answers it, and more only if the limits say so. Else none is ever idle. Bodies are not read, and
/// HTTP/2 is not spoken.
async fn converse<Stream: AsyncRead + AsyncWrite + Unpin>(
    opened: impl Future<Output = Result<std::io::Result<Stream>, Elapsed>>,
    client: Client,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) {
    let Ok(Ok(stream)) = opened.await else { return };
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.reading));
    let stream = TokioIo::new(Box::pin(stream));
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(limits.header);
    protocol.keep_alive(limits.keep_alive).max_buf_size(limits.header_bytes).max_header_size(limits.header_bytes);
    let answer = service_fn(|mut request: Request<_>| {
        client.has_asked.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(Peer(client.peer));
        let answered = client.has_asked.clone();
        let answer = router.clone().oneshot(request);
        async move {
            let answer = answer.await;
            // A connection that is kept is idle from here on.
            answered.store(!limits.keep_alive, Ordering::Relaxed);
            answer
        }
    });
    let mut connection = pin!(protocol.serve_connection(stream, answer));
    let conversation = async {
        tokio::select! {
            biased;
            _ = connection.as_mut() => return,
            () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
            // Its last answer is finished.
            () = sleep(limits.connection.mul_f64(0.9)) => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    };
    let _ = timeout(limits.connection, conversation).await;
}

/// Who is at the other end of a connection.
struct Client {
    peer: IpAddr,
    has_asked: Arc<AtomicBool>,
}

struct Connection {
    peer: IpAddr,
    /// Its request is complete, and is being answered.
    has_asked: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

struct Open {
    /// The oldest first. Some may have ended.
    connections: Vec<Connection>,
    /// How many made room for others since the last wait for the runtime.
    closed: usize,
    /// When a problem was logged last.
    warned: Option<Instant>,
}

impl Open {
    /// Closes connections until at most `limit` are open.
    async fn shrink_to(&mut self, limit: usize) {
        self.connections.retain(|connection| !connection.task.is_finished());
        while self.connections.len() > limit
            && let Some(index) = self.most_dispensable()
        {
            let Connection { task, .. } = self.connections.remove(index);
            task.abort();
            // The file is closed when the task has ended.
            let _ = task.await;
            self.closed += 1;
            if self.closed > self.connections.len() / 2 {
                self.closed = 0;
                sleep(TURN).await;
            }
        }
    }

    /// The oldest connection of the largest group. A peer has two groups: connections that have asked, and connections
    /// that have not. So the kubelet keeps its connection while another peer has more, and neither half requests nor
    /// clients that do not read push out the others, even if all have one address.
    fn most_dispensable(&self) -> Option<usize> {
        let groups: Vec<_> =
            self.connections.iter().map(|one| (one.peer, one.has_asked.load(Ordering::Relaxed))).collect();
        let mut sizes: HashMap<(IpAddr, bool), usize> = HashMap::new();
        for group in &groups {
            *sizes.entry(*group).or_default() += 1;
        }
        let newest_first = groups.iter().enumerate().rev();
        // Of equals, the last one is taken: the oldest.
        newest_first.max_by_key(|(_, group)| sizes.get(group)).map(|(index, _)| index)
    }

    /// The process cannot accept, most likely because it has too many open files. Half of the connections are closed,
    /// so that the next probe gets one, and the rest of the process gets files, too.
    async fn make_do(&mut self, error: &Error) {
        if self.warned.is_none_or(|at| at.elapsed() >= BETWEEN_WARNINGS) {
            self.warned = Some(Instant::now());
            tracing::warn!(%error, open = self.connections.len(), "the HTTP server cannot accept a connection");
        }
        self.shrink_to(self.connections.len() / 2).await;
        if self.connections.is_empty() {
            sleep(PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Connections of these peers, and whether each has asked.
    fn open(connections: &[([u8; 4], bool)]) -> Open {
        let connection = |(peer, has_asked): &([u8; 4], bool)| Connection {
            peer: (*peer).into(),
            has_asked: Arc::new((*has_asked).into()),
            task: tokio::spawn(std::future::pending()),
        };
        Open { connections: connections.iter().map(connection).collect(), closed: 0, warned: None }
    }

    #[tokio::test]
    async fn the_oldest_connection_of_the_largest_group_makes_room() {
        let [kubelet, other, attacker] = [[10, 0, 0, 1], [10, 0, 0, 2], [10, 0, 0, 3]];
        let (half, whole) = (false, true);
        let busy =
            [(kubelet, half), (other, half), (attacker, half), (attacker, half), (other, half), (attacker, half)];
        assert_eq!(open(&busy).most_dispensable(), Some(2));
        assert_eq!(open(&busy[..2]).most_dispensable(), Some(0), "all have the same: the oldest");
        let one_address = [(attacker, whole), (attacker, half), (attacker, half), (attacker, whole), (attacker, half)];
        assert_eq!(open(&one_address).most_dispensable(), Some(1), "answers are kept from half requests");
        let deaf = [(attacker, half), (attacker, whole), (attacker, whole)];
        assert_eq!(open(&deaf).most_dispensable(), Some(1), "and new requests from clients that do not read");
        assert_eq!(open(&[]).most_dispensable(), None);
    }

    #[tokio::test]
    async fn without_files_half_of_the_connections_are_closed_and_without_connections_it_waits() {
        let mut open = open(&[([10, 0, 0, 1], false); 10]);
        let error = Error::from(ErrorKind::Other);
        open.make_do(&error).await;
        assert_eq!(open.connections.len(), 5);
        tokio::time::pause();
        let begin = Instant::now();
        open.make_do(&error).await;
        assert_eq!(open.connections.len(), 2);
        assert!(begin.elapsed() < PAUSE, "there are connections to close");
        for _ in 0..2 {
            open.make_do(&error).await;
        }
        assert_eq!(open.connections.len(), 0);
        assert!(begin.elapsed() >= PAUSE, "it does not spin");
    }
}
