//! Leader election by a Lease, with client-go's rules. Every write carries the resourceVersion that it is based on.
//! Expiry is measured on the local clock, from when this process saw the Lease change. A leader that cannot renew in
//! time stops by itself, before another process may take over.

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::PostParams;
use kube::{Api, Client};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// The settings of the election.
#[derive(Clone, Debug)]
pub struct LeaseSettings {
    /// Name of the Lease, in the operator's own namespace.
    pub name: String,
    /// The identity of the holder: a name that no other process has.
    pub holder: String,
    /// How long other processes wait after the last change that they saw.
    pub duration: Duration,
    /// The leader stops after this time without a renewal.
    pub renew_deadline: Duration,
    /// Time between two attempts.
    pub retry_period: Duration,
}

/// How an election ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// `stop` was cancelled. If this process held the Lease, it has tried to release it.
    Stopped,
    /// Another process may lead, so this process must not write any more.
    Lost,
}

/// One candidate.
pub struct Election {
    leases: Api<Lease>,
    settings: LeaseSettings,
    /// The other holder's Lease at its last change, and when this process saw that change.
    seen: Option<(LeaseSpec, Instant)>,
}

impl Election {
    #[must_use]
    pub fn new(client: Client, settings: LeaseSettings) -> Self {
        Self { leases: Api::default_namespaced(client), settings, seen: None }
    }

    /// Runs until `stop`, or until leadership is lost. Sets `leading` to true once this process leads.
    pub async fn run(mut self, leading: watch::Sender<bool>, stop: CancellationToken) -> Ended {
        let mut renewed: Option<Instant> = None;
        loop {
            let begun = Instant::now();
            // A request that hangs must not last longer than the renew deadline.
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
                Err(_) => tracing::warn!("the API server did not answer the lease request in time"),
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

    /// True when this process holds the Lease and the API server has just confirmed it.
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

    /// True while another process holds the Lease. It expires when it has not changed for its own duration.
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

    /// Releases the Lease, so that another process need not wait until it expires.
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

/// False after a conflict: another process was faster. That is not an error.
fn conflict_is_no<T>(written: kube::Result<T>) -> kube::Result<bool> {
    match written {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(answer)) if answer.code == 409 => Ok(false),
        Err(error) => Err(error),
    }
}
