//! Small servers on loopback: one with a fixed reply, and a proxy that opens tunnels or refuses.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A server, and how many requests it has received.
pub struct Server {
    pub address: String,
    asked: Arc<AtomicUsize>,
}

impl Server {
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

/// Answers every request with this status and body.
pub async fn answering(status: &'static str, body: impl Into<String>) -> Server {
    let body = body.into();
    serve(move |_, mut stream| {
        let body = body.clone();
        async move {
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
    })
    .await
}

/// Answers every request with a head and then these bytes, again and again, until the client is gone.
pub async fn endless(bytes: &'static [u8]) -> Server {
    serve(move |_, mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\nconnection: close\r\n\r\n").await;
        while stream.write_all(bytes).await.is_ok() {}
    })
    .await
}

/// A proxy whose tunnels all end at `target`. Without a target it refuses each request with `status`.
pub async fn proxy(target: Option<String>, status: &'static str) -> Server {
    serve(move |_, mut stream| {
        let target = target.clone();
        async move {
            let Some(target) = target else {
                let _ = stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await;
                return;
            };
            let mut there = TcpStream::connect(target).await.unwrap();
            let _ = stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await;
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut there).await;
        }
    })
    .await
}

/// Reads and counts the head of each request, then calls `answer` with the head and the stream.
async fn serve<F, A>(answer: F) -> Server
where
    F: Fn(String, TcpStream) -> A + Clone + Send + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (answer, counted) = (answer.clone(), counted.clone());
            tokio::spawn(async move {
                let mut head = String::new();
                let mut reader = BufReader::new(&mut stream);
                while !head.ends_with("\r\n\r\n") {
                    match reader.read_line(&mut head).await {
                        Ok(0) | Err(_) => return,
                        Ok(_) => {}
                    }
                }
                counted.fetch_add(1, Ordering::Relaxed);
                answer(head, stream).await;
            });
        }
    });
    Server { address, asked }
}

/// A URL at which nothing listens.
pub async fn closed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
