//! CloudFormation's query protocol, version 2010-05-15: DescribeStacks, DescribeStackResource and DescribeStackEvents.

mod stack_events;
mod stack_name;
mod stack_xml;

use crate::dispatch::Ask;
use crate::reply::Reply;
use crate::service::ServiceError;
use crate::shuffle::shuffle;
use crate::state::State;
use crate::world::Stack;

pub(crate) fn operate(ask: &Ask, state: &mut State) -> Result<Reply, ServiceError> {
    match ask.operation {
        "DescribeStacks" => describe_stacks(ask, state),
        "DescribeStackResource" => describe_stack_resource(ask, state),
        "DescribeStackEvents" => stack_events::describe(ask, state),
        other => Err(ServiceError::new(
            400,
            "InvalidAction",
            format!("Could not find operation {other} for version 2010-05-15"),
        )),
    }
}

fn validation_error(message: impl Into<String>) -> ServiceError {
    ServiceError::new(400, "ValidationError", message)
}

fn describe_stacks(ask: &Ask, state: &mut State) -> Result<Reply, ServiceError> {
    let number = state.next_number();
    let (stacks, token) = match ask.parameters.get("StackName") {
        Some(name) => {
            stack_name::check(name)?;
            let found = find(ask, state, name)
                .ok_or_else(|| validation_error(format!("Stack with id {name} does not exist")))?;
            (vec![found], None)
        }
        None => page(ask, state)?,
    };
    let shown: Vec<Stack> = stacks.into_iter().map(|stack| shown(stack, state.world.answers.shuffle, number)).collect();
    Ok(Reply::xml(200, stack_xml::stacks(&shown, token.as_deref(), &ask.request_id)))
}

fn shown(stack: &Stack, is_shuffled: bool, seed: u64) -> Stack {
    let mut stack = stack.clone();
    if is_shuffled {
        shuffle(&mut stack.tags, seed);
    }
    stack
}

/// Finds a stack. An ARN finds deleted stacks, too; a name finds only the last live stack.
fn find<'a>(ask: &Ask, state: &'a State, name: &str) -> Option<&'a Stack> {
    let mut visible = state.world.stacks.iter().rev().filter(|stack| is_visible(ask, stack));
    match name.starts_with("arn:") {
        true => visible.find(|stack| stack.id == name),
        false => visible.find(|stack| stack.name == name && !stack.is_deleted()),
    }
}

fn is_visible(ask: &Ask, stack: &Stack) -> bool {
    stack.region == ask.caller.region && stack.account == ask.caller.account
}

/// One page of the live stacks. The token carries the place of the next one among all stacks, so that one that is deleted
/// meanwhile moves no other.
fn page<'a>(ask: &Ask, state: &'a State) -> Result<(Vec<&'a Stack>, Option<String>), ServiceError> {
    let start = match ask.parameters.get("NextToken") {
        None => 0,
        Some(token) => {
            let start = token.strip_prefix("stacks-").and_then(|start| start.parse().ok());
            start.ok_or_else(|| validation_error("Invalid NextToken"))?
        }
    };
    let size = state.world.answers.stack_page_size.max(1);
    let all = state.world.stacks.iter().enumerate().skip(start);
    let mut live = all.filter(|(_, stack)| is_visible(ask, stack) && !stack.is_deleted());
    let page = live.by_ref().take(size).map(|(_, stack)| stack).collect();
    Ok((page, live.next().map(|(place, _)| format!("stacks-{place}"))))
}

fn describe_stack_resource(ask: &Ask, state: &mut State) -> Result<Reply, ServiceError> {
    let required = |name: &str| {
        let missing = || {
            validation_error(format!(
                "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
            ))
        };
        ask.parameters.get(name).ok_or_else(missing)
    };
    let name = required("StackName")?;
    let logical_id = required("LogicalResourceId")?;
    stack_name::check(name)?;
    let stack = find(ask, state, name).ok_or_else(|| validation_error(format!("Stack '{name}' does not exist")))?;
    let resource = stack.resources.iter().find(|resource| resource.logical_id == logical_id);
    let resource = resource
        .ok_or_else(|| validation_error(format!("Resource {logical_id} does not exist for stack {}", stack.name)))?;
    Ok(Reply::xml(200, stack_xml::resource(stack, resource, &ask.request_id)))
}
