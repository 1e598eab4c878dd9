//! The programs and fixtures that the tests share.

pub mod api;
pub mod describe;
pub mod faulty_server;
pub mod http;
pub mod lab;
pub mod net;
pub mod operator;
pub mod oracle;
pub mod scenario;
pub mod world;

use std::future::Future;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// One runtime for the whole binary, so that the shared control plane outlives each test.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Runtime::new().unwrap()
});

/// The root of the tested checkout. Read at run time, because the binary may have been built in another checkout.
pub fn project() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").unwrap().into()
}

/// Runs a test on the shared runtime.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    RUNTIME.block_on(test)
}

/// Polls `check` until it returns `Ok`. After 30 s it panics with the last `Err`.
pub async fn eventually<T, F, R>(what: &str, mut check: F) -> T
where
    F: FnMut() -> R,
    R: Future<Output = Result<T, String>>,
{
    let begin = Instant::now();
    loop {
        match check().await {
            Ok(fact) => return fact,
            Err(seen) if begin.elapsed() > Duration::from_secs(30) => panic!("never: {what}; last seen: {seen}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
