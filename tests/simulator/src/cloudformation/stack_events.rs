//! DescribeStackEvents: the events of a stack, the newest first. A deleted stack has them for 90 days, by its ARN.

use jiff::{SignedDuration, Timestamp};

use super::{find, stack_name, stack_xml, validation_error};
use crate::digest;
use crate::dispatch::Ask;
use crate::reply::Reply;
use crate::service::ServiceError;
use crate::state::State;
use crate::world::{Stack, StackEvent};

const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

pub fn describe(ask: &Ask, state: &State) -> Result<Reply, ServiceError> {
    let name = ask.parameters.get("StackName").ok_or_else(|| {
        validation_error(
            "1 validation error detected: Value null at 'stackName' failed to satisfy constraint: Member must not be \
             null",
        )
    })?;
    stack_name::check(name)?;
    let stack = find(ask, state, name).filter(|stack| !is_forgotten(stack, state.clock.now()));
    let stack = stack.ok_or_else(|| validation_error(format!("Stack [{name}] does not exist")))?;
    let (events, token) = page(ask.parameters.get("NextToken"), stack, state.world.answers.stack_event_page_size)?;
    Ok(Reply::xml(200, stack_xml::events(stack, &events, token.as_deref(), &ask.request_id)))
}

fn is_forgotten(stack: &Stack, now: Timestamp) -> bool {
    let deleted = stack.deletion_time.as_deref().and_then(|time| time.parse::<Timestamp>().ok());
    stack.is_deleted() && deleted.is_some_and(|deleted| now.duration_since(deleted) > KEPT)
}

/// The token carries the number of older events, so that newer ones do not move the pages.
fn page(token: Option<&str>, stack: &Stack, size: usize) -> Result<(Vec<StackEvent>, Option<String>), ServiceError> {
    let all = stack.events.len();
    let left = match token {
        None => all,
        Some(token) => {
            let left = token.strip_prefix("events-").and_then(|left| left.parse().ok());
            left.filter(|left| *left <= all).ok_or_else(|| validation_error("Invalid NextToken"))?
        }
    };
    let older = left.saturating_sub(size.max(1));
    let events = (older..left).rev().map(|index| identified(stack, index)).collect();
    Ok((events, (older > 0).then(|| format!("events-{older}"))))
}

fn identified(stack: &Stack, index: usize) -> StackEvent {
    let mut event = stack.events[index].clone();
    if event.event_id.is_empty() {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        event.event_id = match event.physical_id.as_deref() == Some(&stack.id) {
            true => digest::uuid(&[&stack.id, &index.to_string()]),
            false => format!("{}-{}-{}", text(&event.logical_id), text(&event.status), text(&event.timestamp)),
        };
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(events: usize) -> Stack {
        let event = |number| StackEvent { logical_id: Some(format!("R{number}")), ..StackEvent::default() };
        Stack { id: "arn:s".into(), events: (0..events).map(event).collect(), ..Stack::default() }
    }

    fn logical_ids(events: &[StackEvent]) -> Vec<&str> {
        events.iter().filter_map(|event| event.logical_id.as_deref()).collect()
    }

    #[test]
    fn pages_go_from_the_newest_to_the_oldest_and_new_events_do_not_move_them() {
        let (first, token) = page(None, &stack(5), 2).unwrap();
        assert_eq!(logical_ids(&first), ["R4", "R3"]);
        let (second, token) = page(token.as_deref(), &stack(9), 2).unwrap();
        assert_eq!(logical_ids(&second), ["R2", "R1"]);
        let (third, token) = page(token.as_deref(), &stack(9), 2).unwrap();
        assert_eq!((logical_ids(&third), token), (vec!["R0"], None));
        assert!(page(Some("events-6"), &stack(5), 2).is_err());
    }

    #[test]
    fn the_stacks_own_events_have_uuids_and_a_resource_its_name_status_and_time() {
        let mut stack = stack(3);
        stack.events[1].physical_id = Some(stack.id.clone());
        stack.events[2].event_id = "given".into();
        let ids = [0, 1, 2].map(|index| identified(&stack, index).event_id);
        assert_eq!(ids[0], "R0-CREATE_IN_PROGRESS-2025-01-02T03:01:00.456Z");
        assert_eq!((ids[1].len(), ids[2].as_str()), (36, "given"));
    }

    #[test]
    fn a_deleted_stack_is_forgotten_after_90_days() {
        let mut stack = stack(1);
        stack.deletion_time = Some("2025-01-01T00:00:00Z".into());
        let after = |days: i64, stack: &Stack| {
            let deleted: Timestamp = "2025-01-01T00:00:00Z".parse().unwrap();
            is_forgotten(stack, deleted + SignedDuration::from_hours(days * 24))
        };
        assert!(!after(91, &stack));
        stack.status = Some("DELETE_COMPLETE".into());
        assert_eq!((after(90, &stack), after(91, &stack)), (false, true));
    }
}
