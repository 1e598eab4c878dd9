//! Leader election by a Lease, with client-go's rules. Every write carries the resourceVersion that it is based on.
//! Expiry is measured on the local clock, from when this process saw the Lease change. A leader that cannot renew in
//! time stops by itself, before another process may take over.

use crate::clock::Clock;
use crate::kubernetes::leadership::releases;
use crate::kubernetes::told::{Told, words};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::PostParams;
use kube::{Api, Client};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// The settings of the election.
#[derive(Clone, Debug)]
pub struct LeaseSettings {
    /// Name of the Lease, in the operator's own namespace.
    pub name: String,
    /// The namespaces that the holder watches. Empty: all.
    pub namespaces: Vec<String>,
    /// The identity of the holder: a name that no other process has.
    pub holder: String,
    /// Where this process serves the HTTP interface to other replicas. `None`: nowhere.
    pub address: Option<SocketAddr>,
    /// How long other processes wait after the last change that they saw.
    pub duration: Duration,
    /// The leader stops after this time without a renewal.
    pub renew_deadline: Duration,
    /// Time between two attempts.
    pub retry_period: Duration,
    /// The clock of the times in the Lease. Expiry does not depend on it.
    pub clock: Clock,
}

impl LeaseSettings {
    /// How long a standby may fail to reach its Lease. It could not take over, so it had better be restarted.
    #[must_use]
    pub fn patience(&self) -> Duration {
        Duration::from_secs(60).max(self.duration.saturating_mul(4))
    }
}

/// How an election ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// `stop` was cancelled. If this process held the Lease, it has tried to release it.
    Stopped,
    /// Another process may lead, so this process must not write any more.
    Lost,
    /// This process never led, and could not reach its Lease for so long.
    Unreachable(Duration),
}

/// One candidate.
pub struct Election {
    leases: Api<Lease>,
    settings: LeaseSettings,
    /// The other holder's Lease at its last change, and when this process saw that change.
    seen: Option<(LeaseSpec, Instant)>,
    /// Where another process that leads serves the HTTP interface.
    leader: watch::Sender<Option<SocketAddr>>,
    told: Told,
}

/// What an attempt to write the Lease came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    /// This process holds the Lease, and the API server has just confirmed it.
    Held,
    HeldByAnother,
    /// The Lease has changed since it was read.
    Conflict,
}

impl Election {
    #[must_use]
    pub fn new(client: Client, settings: LeaseSettings) -> Self {
        let leader = watch::Sender::default();
        Self { leases: Api::default_namespaced(client), settings, seen: None, leader, told: Told::default() }
    }

    /// Where another process that leads serves the HTTP interface. `None` while none is known.
    #[must_use]
    pub fn leader(&self) -> watch::Receiver<Option<SocketAddr>> {
        self.leader.subscribe()
    }

    /// Runs until `stop`, or until leadership is lost, or until a standby has lost its patience. Sets `leading` to true
    /// once this process leads.
    pub async fn run(mut self, leading: watch::Sender<bool>, stop: CancellationToken) -> Ended {
        let mut renewed: Option<Instant> = None;
        let mut reached = Instant::now();
        loop {
            let begun = Instant::now();
            // A request that hangs must not last longer than the renew deadline.
            let deadline = self.settings.renew_deadline;
            let left = renewed.map_or(deadline, |renewed| deadline.saturating_sub(renewed.elapsed()));
            let attempt = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                attempt = timeout(left, self.attempt()) => attempt,
            };
            match self.tell(attempt) {
                Some(Attempt::Held) => {
                    renewed = Some(begun);
                    leading.send_if_modified(|leading| !std::mem::replace(leading, true));
                }
                Some(Attempt::HeldByAnother) if renewed.is_some() => return Ended::Lost,
                Some(Attempt::HeldByAnother | Attempt::Conflict) => reached = Instant::now(),
                None => {}
            }
            if renewed.is_some_and(|renewed| renewed.elapsed() >= deadline) {
                return Ended::Lost;
            }
            if renewed.is_none() && reached.elapsed() >= self.settings.patience() {
                return Ended::Unreachable(self.settings.patience());
            }
            let pause = self.settings.retry_period.mul_f64(1.0 + 0.2 * fastrand::f64());
            tokio::select! { biased; () = stop.cancelled() => break, () = sleep(pause) => {} }
        }
        if renewed.is_some() && timeout(self.settings.renew_deadline, self.release()).await.is_err() {
            tracing::warn!("lease not released in time");
        }
        Ended::Stopped
    }

    /// Tells a failure once, and when it is over. Returns the attempt that did not fail.
    fn tell(&mut self, attempt: Result<kube::Result<Attempt>, Elapsed>) -> Option<Attempt> {
        let failure = match attempt {
            Ok(Ok(attempt)) => {
                if self.told.is_over() {
                    tracing::info!(lease = self.settings.name, "the lease can be written again");
                }
                return Some(attempt);
            }
            Ok(Err(error)) => words(&error),
            Err(_) => "the API server did not answer the lease request in time".to_owned(),
        };
        if self.told.is_news(&failure) {
            tracing::warn!(lease = self.settings.name, error = failure, "lease not written, trying again");
        }
        None
    }

    /// Reads and writes the Lease. After a conflict it reads again, because a change by somebody else, such as a label,
    /// takes the lead from nobody.
    async fn attempt(&mut self) -> kube::Result<Attempt> {
        match self.write().await? {
            Attempt::Conflict => self.write().await,
            other => Ok(other),
        }
    }

    async fn write(&mut self) -> kube::Result<Attempt> {
        let Some(mut lease) = self.leases.get_opt(&self.settings.name).await? else {
            let mut lease = Lease { spec: Some(self.claim(None)), ..Lease::default() };
            lease.metadata.name = Some(self.settings.name.clone());
            releases::mark(&mut lease, &self.settings.namespaces, self.settings.address);
            return held_unless_conflict(self.leases.create(&PostParams::default(), &lease).await);
        };
        let spec = lease.spec.clone().unwrap_or_default();
        let is_held = self.is_held_by_another(&spec);
        self.leader.send_replace(releases::address(&lease).filter(|_| is_held));
        if is_held {
            return Ok(Attempt::HeldByAnother);
        }
        lease.metadata.managed_fields = None;
        releases::mark(&mut lease, &self.settings.namespaces, self.settings.address);
        lease.spec = Some(self.claim(Some(&spec)));
        held_unless_conflict(self.leases.replace(&self.settings.name, &PostParams::default(), &lease).await)
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
        let now = MicroTime(self.settings.clock.now());
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
            tracing::warn!(error = words(&error), "lease not released");
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

/// A conflict is no error: somebody else was faster.
fn held_unless_conflict<T>(written: kube::Result<T>) -> kube::Result<Attempt> {
    match written {
        Ok(_) => Ok(Attempt::Held),
        Err(kube::Error::Api(answer)) if answer.code == 409 => Ok(Attempt::Conflict),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Request, Response};
    use kube::client::Body;
    use std::convert::Infallible;

    #[tokio::test(start_paused = true)]
    async fn a_standby_that_cannot_reach_its_lease_for_a_minute_ends() {
        let refusing = tower::service_fn(|_: Request<Body>| async {
            Ok::<_, Infallible>(Response::builder().status(403).body(Body::from(b"no".to_vec())).unwrap())
        });
        let settings = LeaseSettings {
            namespaces: Vec::new(),
            name: "lease".into(),
            holder: "me".into(),
            address: None,
            duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
            clock: Clock::SYSTEM,
        };
        let begun = Instant::now();
        let election = Election::new(Client::new(refusing, "default"), settings);
        let running = election.run(watch::channel(false).0, CancellationToken::new());
        let ended = timeout(Duration::from_secs(600), running).await;
        assert_eq!(ended, Ok(Ended::Unreachable(Duration::from_secs(60))));
        assert!((60..70).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    }
}
