//! The bare clients of the benchmark: the least that a client must do to write statuses, or to ask the HTTP interface.

mod describes;
mod statuses;

use clap::Parser;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
enum Command {
    /// Writes known statuses of CustomImages
    Statuses(statuses::Arguments),
    /// Asks the HTTP interface
    Describes(describes::Arguments),
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let command = Command::parse();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match command {
        Command::Statuses(arguments) => statuses::run(arguments).await,
        Command::Describes(arguments) => describes::run(arguments).await,
    }
}
