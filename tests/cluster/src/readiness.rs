//! Readiness: what must answer before a cluster counts as started, and the time limit.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{Error, daemon::Daemon, probe::Probe};

/// Long, because the machine may be compiling on all its cores.
const PATIENCE: Duration = Duration::from_secs(120);
const INTERVAL: Duration = Duration::from_millis(50);

/// `/readyz` does not wait for the namespace `default`, but tests use it at once.
pub const APISERVER_READY: [&str; 2] = ["/readyz", "/api/v1/namespaces/default"];
pub const CONTROLLER_MANAGER_READY: [&str; 1] = ["/api/v1/namespaces/default/serviceaccounts/default"];

/// Waits until every path answers 200. Fails if the daemon or a needed one ends, or when `PATIENCE` is over.
pub async fn answers(
    probe: &Probe,
    paths: &[&str],
    daemon: &mut Daemon,
    needed: &mut [&mut Daemon],
) -> Result<(), Error> {
    let deadline = Instant::now() + PATIENCE;
    for path in paths {
        while let Err(last) = probe.get(path).await {
            needed.iter_mut().try_for_each(|needed| needed.check())?;
            daemon.check()?;
            if Instant::now() > deadline {
                return Err(daemon.not_ready(PATIENCE, last));
            }
            sleep(INTERVAL).await;
        }
    }
    Ok(())
}
