//! Joins the controller and the election: the controller reconciles once this process leads, and stops before another
//! process may lead.

use crate::describe_image::source::Source;
use crate::kubernetes::client::Client;
use crate::kubernetes::controller::ImageController;
use crate::kubernetes::leadership::lease::{Election, Ended, LeaseSettings};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The election until `stop`, or until leadership is lost. Without lease settings, it only waits for `stop`. The receiver
/// has the address of another process that leads.
pub fn elect(
    client: Client,
    lease: Option<LeaseSettings>,
    leading: watch::Sender<bool>,
    stop: CancellationToken,
) -> (impl Future<Output = Ended>, watch::Receiver<Option<SocketAddr>>) {
    let election = lease.map(|settings| Election::new(client, settings));
    let leader = election.as_ref().map_or_else(|| watch::channel(None).1, Election::leader);
    let running = async move {
        match election {
            Some(election) => election.run(leading, stop).await,
            None => {
                stop.cancelled().await;
                Ended::Stopped
            }
        }
    };
    (running, leader)
}

/// Runs the controller until `stop`, or until the election ends it. Cancels `over` when the last reconcile has ended.
/// Running reconciles have `grace` to end after `stop`.
pub async fn lead<S: Source + 'static>(
    controller: ImageController<S>,
    election: impl Future<Output = Ended>,
    stop: CancellationToken,
    over: CancellationToken,
    grace: Duration,
) -> Ended {
    let work = async {
        within(controller.run(stop.clone()), &stop, grace).await;
        // The election stops on `over` and releases the Lease. Only now may another process lead.
        over.cancel();
    };
    tokio::pin!(election);
    tokio::select! {
        biased;
        // Another process may lead, so running reconciles must not write any more.
        ended = &mut election => ended,
        () = work => {
            election.await;
            Ended::Stopped
        }
    }
}

/// Waits for `work`, but at most `grace` after `stop`.
async fn within(work: impl Future<Output = ()>, stop: &CancellationToken, grace: Duration) {
    let too_long = async {
        stop.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        biased;
        () = work => {}
        () = too_long => tracing::warn!(?grace, "stopped while reconciles were still running"),
    }
}
