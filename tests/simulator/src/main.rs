//! The simulator as a program, for tests in other languages and for demos.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use simulator::{Simulator, World};
use tokio::io::AsyncReadExt;
use tokio::signal::unix::{SignalKind, signal};

/// The operations of EC2, CloudFormation, Image Builder, CloudWatch Logs, S3 and STS that telling of images needs,
/// on one port.
#[derive(Parser)]
#[command(name = "aws-simulator")]
struct Arguments {
    /// Address to listen on; port 0 takes a free port
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// JSON file with the world to start with; without it, AWS is empty
    #[arg(long)]
    world: Option<PathBuf>,
    /// Serve TLS with this certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// The certificate's private key, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// Exit when standard input ends, so that the simulator does not outlive a parent that crashed
    #[arg(long)]
    stdin_lifeline: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("aws-simulator: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let world = match &arguments.world {
        None => World::default(),
        Some(path) => read(path)?,
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    let simulator = match (&arguments.tls_certificate, &arguments.tls_key) {
        (Some(certificate), Some(key)) => Simulator::listen_tls(arguments.listen, certificate, key, world).await,
        _ => Simulator::listen(arguments.listen, world).await,
    };
    let simulator = simulator.map_err(|error| error.to_string())?;
    println!("listening on {}", simulator.endpoint());
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = stdin_ends(), if arguments.stdin_lifeline => {}
    }
    Ok(())
}

fn read(path: &PathBuf) -> Result<World, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

async fn stdin_ends() {
    let (mut stdin, mut buffer) = (tokio::io::stdin(), [0; 256]);
    while stdin.read(&mut buffer).await.is_ok_and(|bytes| bytes > 0) {}
}
