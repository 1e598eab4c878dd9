//! The connection to the API server.

pub use kube::Client;
use kube::Config;
use std::time::Duration;

/// A watch hears at least a bookmark a minute: a longer silence is a dead connection.
const SILENCE: Duration = Duration::from_secs(295);

/// Finds the API server as kubectl does.
///
/// # Errors
/// When there is no usable kubeconfig and no ServiceAccount.
pub async fn connect() -> Result<Client, Box<dyn std::error::Error + Send + Sync>> {
    let mut config = Config::infer().await?;
    config.connect_timeout = Some(Duration::from_secs(10));
    config.read_timeout = Some(SILENCE);
    Ok(Client::try_from(config)?)
}
