//! Chooses the scripted faults that apply to a request.

use std::time::Duration;

use crate::caller::Caller;
use crate::world::{Fault, FaultKind, Times, World};

/// The effect of the faults on one request: a pause, and at most one other fault.
#[derive(Debug, Default)]
pub(crate) struct Strike {
    pub pause: Duration,
    pub kind: Option<FaultKind>,
}

impl Strike {
    /// Counts the request against every matching fault, up to the first that is not a pause.
    pub fn of(world: &mut World, caller: &Caller, operation: &str) -> Self {
        let mut strike = Self::default();
        for fault in &mut world.faults {
            if !matches(fault, caller, operation) || !fault_counts_down(fault) {
                continue;
            }
            match fault.kind {
                FaultKind::Slow { millis } => strike.pause += Duration::from_millis(millis),
                _ => {
                    strike.kind = Some(fault.kind.clone());
                    break;
                }
            }
        }
        world.faults.retain(|fault| fault.times != Times::Count(0));
        strike
    }

    /// The kind of the fault, for the call log.
    pub fn name(&self) -> Option<&'static str> {
        match &self.kind {
            Some(FaultKind::Throttle) => Some("throttle"),
            Some(FaultKind::Error { .. }) => Some("error"),
            Some(FaultKind::Reset) => Some("reset"),
            Some(FaultKind::ResetMidBody) => Some("reset_mid_body"),
            Some(FaultKind::CutShort { .. }) => Some("cut_short"),
            Some(FaultKind::EmptyBody) => Some("empty_body"),
            Some(FaultKind::ReplaceBody { .. }) => Some("replace_body"),
            Some(FaultKind::Slow { .. }) => Some("slow"),
            None => (!self.pause.is_zero()).then_some("slow"),
        }
    }
}

fn matches(fault: &Fault, caller: &Caller, operation: &str) -> bool {
    let is = |wanted: &Option<String>, actual: &str| wanted.as_deref().is_none_or(|wanted| wanted == actual);
    is(&fault.service, caller.service.name())
        && is(&fault.operation, operation)
        && is(&fault.region, &caller.region)
        && is(&fault.account, &caller.account)
}

/// Counts the request. Returns whether the fault applies to it.
fn fault_counts_down(fault: &mut Fault) -> bool {
    if fault.skip > 0 {
        fault.skip -= 1;
        return false;
    }
    match &mut fault.times {
        Times::Forever => true,
        Times::Count(0) => false,
        Times::Count(left) => {
            *left -= 1;
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Service;

    fn struck(fault: Fault, requests: usize) -> Vec<bool> {
        let mut world = World { faults: vec![fault], ..World::default() };
        let caller = Caller { service: Service::Ec2, region: "r".into(), account: "a".into(), access_key: None };
        (0..requests).map(|_| Strike::of(&mut world, &caller, "DescribeImages").kind.is_some()).collect()
    }

    #[test]
    fn a_fault_skips_the_first_requests_and_ends_after_its_times() {
        let fault = Fault::new("ec2", "DescribeImages", FaultKind::Throttle).skip(1).times(2);
        assert_eq!(struck(fault, 5), [false, true, true, false, false]);
    }

    #[test]
    fn a_fault_of_another_operation_does_not_apply() {
        assert_eq!(struck(Fault::new("ec2", "DescribeTags", FaultKind::Throttle), 1), [false]);
    }
}
