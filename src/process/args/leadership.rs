//! The flags of leader election.
//! The chart sets the same defaults in its values.yaml; a test compares them.

use crate::clock::Clock;
use crate::kubernetes::leadership::lease::LeaseSettings;
use crate::process::args::value::{Maybe, duration, maybe_name};
use clap::{ArgAction, Args as ClapArgs};
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::time::Duration;

/// Only one of several replicas, the leader, reads AWS and writes. The others are standbys with a warm store.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "Leadership")]
pub struct LeadershipArgs {
    /// Work only while holding a Lease in the operator's own namespace. Set to false for a process that must not wait.
    #[arg(long, env = "CUSTOMIMAGE_LEADER_ELECTION", value_name = "BOOL", default_value_t = true, action = ArgAction::Set)]
    pub leader_election: bool,
    /// Name of the Lease. Default: customimage-operator, plus a suffix for the watched namespaces if --namespace is
    /// set.
    #[arg(long, env = "CUSTOMIMAGE_LEASE_NAME", value_name = "NAME", default_value = "", hide_default_value = true, value_parser = maybe_name)]
    pub lease_name: Maybe<String>,
    /// How long a standby waits after the leader's last renewal before it takes over; whole seconds.
    #[arg(long, env = "CUSTOMIMAGE_LEASE_DURATION", value_name = "DURATION", default_value = "15s", value_parser = duration)]
    pub lease_duration: Duration,
    /// How long the leader continues without a renewal; less than the lease duration.
    #[arg(long, env = "CUSTOMIMAGE_LEASE_RENEW_DEADLINE", value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub lease_renew_deadline: Duration,
    /// Time between two attempts to acquire or renew the Lease; less than the renew deadline.
    #[arg(long, env = "CUSTOMIMAGE_LEASE_RETRY_PERIOD", value_name = "DURATION", default_value = "2s", value_parser = duration)]
    pub lease_retry_period: Duration,
}

/// Lease times that would let two processes lead at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "--lease-duration must be whole seconds and longer than --lease-renew-deadline, which must be longer than --lease-retry-period"
)]
pub struct InvalidLeaseTimes;

impl LeadershipArgs {
    /// The lease settings of `holder`, which watches `namespaces` (empty: all) and serves the HTTP interface at `address`.
    /// `None` without leader election.
    ///
    /// # Errors
    /// When the times would let two processes lead at once.
    pub fn settings(
        &self,
        holder: String,
        namespaces: &[String],
        address: Option<SocketAddr>,
    ) -> Result<Option<LeaseSettings>, InvalidLeaseTimes> {
        let (duration, renew_deadline, retry_period) =
            (self.lease_duration, self.lease_renew_deadline, self.lease_retry_period);
        // The Lease has whole seconds.
        let are_apart = duration.subsec_nanos() == 0 && duration > renew_deadline && renew_deadline > retry_period;
        if self.leader_election && !are_apart {
            return Err(InvalidLeaseTimes);
        }
        let settings = LeaseSettings {
            name: self.lease_name(namespaces),
            namespaces: namespaces.to_vec(),
            holder,
            address,
            duration,
            renew_deadline,
            retry_period,
            clock: Clock::SYSTEM,
        };
        Ok(self.leader_election.then_some(settings))
    }

    /// The name of the Lease of an operator that watches `namespaces` (empty: all).
    #[must_use]
    pub fn lease_name(&self, namespaces: &[String]) -> String {
        self.lease_name.0.clone().unwrap_or_else(|| default_name(namespaces))
    }
}

/// Operators that watch different namespaces get different Leases, because each of them must be able to lead.
fn default_name(namespaces: &[String]) -> String {
    match namespaces {
        [] => "customimage-operator".to_owned(),
        [only] => format!("customimage-operator.{only}"),
        // The joined names may be too long for the name of an object.
        several => {
            let digest = Sha256::digest(several.join(","));
            let short: String = digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
            format!("customimage-operator.{short}")
        }
    }
}
