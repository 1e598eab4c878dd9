//! Leader election by a Lease, with client-go's rules: every write carries the resourceVersion it was made from; expiry
//! is judged on the local clock from when a change was seen; a leader that cannot renew in time stops by itself, before
//! another may take over.

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::PostParams;
use kube::{Api, Client};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How leadership is held.
#[derive(Clone, Debug)]
pub struct LeaseSettings {
    /// Name of the Lease, in the operator's own namespace.
    pub name: String,
    /// Who holds it: a name that no other process has.
    pub holder: String,
    /// How long others wait after the last change that they saw.
    pub duration: Duration,
    /// After this long without a renewal the leader gives up.
    pub renew_deadline: Duration,
    /// Between two attempts.
    pub retry_period: Duration,
}

/// How an election ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Asked to, and the Lease released.
    Stopped,
    /// Another may lead: whatever this process still does is not to be trusted.
    Lost,
}

/// One candidate.
pub struct Election {
    leases: Api<Lease>,
    settings: LeaseSettings,
    /// The Lease as last seen to change, and when.
    seen: Option<(LeaseSpec, Instant)>,
}

impl Election {
    #[must_use]
    pub fn new(client: Client, settings: LeaseSettings) -> Self {
        Self { leases: Api::default_namespaced(client), settings, seen: None }
    }

    /// Runs until `stop`, or until leadership is lost. `leading` turns true once it is held.
    pub async fn run(mut self, leading: watch::Sender<bool>, stop: CancellationToken) -> Ended {
        let mut renewed: Option<Instant> = None;
        loop {
            let begun = Instant::now();
            // A request that hangs must not outlive the deadline.
            let deadline = self.settings.renew_deadline;
            let left = renewed.map_or(deadline, |renewed| deadline.saturating_sub(renewed.elapsed()));
            let attempt = tokio::select! {
                () = stop.cancelled() => break,
                attempt = timeout(left, self.attempt()) => attempt,
            };
            match attempt {
                Ok(Ok(true)) => {
                    renewed = Some(begun);
                    leading.send_if_modified(|leading| !std::mem::replace(leading, true));
                }
                Ok(Ok(false)) if renewed.is_some() => return Ended::Lost,
                Ok(Ok(false)) => {}
                Ok(Err(error)) => tracing::warn!(error = &error as &dyn std::error::Error, "lease not written"),
                Err(_) => tracing::warn!("the API server did not answer for the lease in time"),
            }
            if renewed.is_some_and(|renewed| renewed.elapsed() >= deadline) {
                return Ended::Lost;
            }
            let pause = self.settings.retry_period.mul_f64(1.0 + 0.2 * fastrand::f64());
            tokio::select! { () = stop.cancelled() => break, () = sleep(pause) => {} }
        }
        if renewed.is_some() && timeout(self.settings.renew_deadline, self.release()).await.is_err() {
            tracing::warn!("lease not released in time");
        }
        Ended::Stopped
    }

    /// True when the Lease is ours and the server has just confirmed it.
    async fn attempt(&mut self) -> kube::Result<bool> {
        let Some(mut lease) = self.leases.get_opt(&self.settings.name).await? else {
            let mut lease = Lease { spec: Some(self.claim(None)), ..Lease::default() };
            lease.metadata.name = Some(self.settings.name.clone());
            return conflict_is_no(self.leases.create(&PostParams::default(), &lease).await);
        };
        let spec = lease.spec.clone().unwrap_or_default();
        if self.is_held_by_another(&spec) {
            return Ok(false);
        }
        lease.metadata.managed_fields = None;
        lease.spec = Some(self.claim(Some(&spec)));
        conflict_is_no(self.leases.replace(&self.settings.name, &PostParams::default(), &lease).await)
    }

    /// True until the other's Lease has stood unchanged for as long as it says.
    fn is_held_by_another(&mut self, spec: &LeaseSpec) -> bool {
        let holder = spec.holder_identity.as_deref().unwrap_or_default();
        if holder.is_empty() || holder == self.settings.holder {
            return false;
        }
        let since = match &self.seen {
            Some((seen, since)) if seen == spec => *since,
            _ => self.seen.insert((spec.clone(), Instant::now())).1,
        };
        let duration = u64::try_from(spec.lease_duration_seconds.unwrap_or_default()).unwrap_or_default();
        since.elapsed() < Duration::from_secs(duration)
    }

    fn claim(&self, before: Option<&LeaseSpec>) -> LeaseSpec {
        let now = MicroTime(Timestamp::now());
        let ours = before.filter(|spec| spec.holder_identity.as_deref() == Some(&self.settings.holder));
        let transitions = before.and_then(|spec| spec.lease_transitions).unwrap_or(0);
        let is_taken_over = before.is_some() && ours.is_none();
        LeaseSpec {
            holder_identity: Some(self.settings.holder.clone()),
            lease_duration_seconds: Some(i32::try_from(self.settings.duration.as_secs().max(1)).unwrap_or(i32::MAX)),
            acquire_time: ours.and_then(|spec| spec.acquire_time.clone()).or_else(|| Some(now.clone())),
            renew_time: Some(now),
            lease_transitions: Some(transitions.saturating_add(i32::from(is_taken_over))),
            ..LeaseSpec::default()
        }
    }

    /// So that another need not wait.
    async fn release(&self) {
        if let Err(error) = self.give_back().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "lease not released");
        }
    }

    async fn give_back(&self) -> kube::Result<()> {
        let mut lease = self.leases.get(&self.settings.name).await?;
        let Some(spec) = lease.spec.as_mut() else { return Ok(()) };
        if spec.holder_identity.as_deref() == Some(&self.settings.holder) {
            spec.holder_identity = Some(String::new());
            lease.metadata.managed_fields = None;
            self.leases.replace(&self.settings.name, &PostParams::default(), &lease).await?;
        }
        Ok(())
    }
}

/// Another was quicker: no error, and no leadership.
fn conflict_is_no<T>(written: kube::Result<T>) -> kube::Result<bool> {
    match written {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(answer)) if answer.code == 409 => Ok(false),
        Err(error) => Err(error),
    }
}
