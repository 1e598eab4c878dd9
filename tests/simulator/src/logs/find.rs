//! Finds the log group and the stream that a request names, as AWS checks them.

use super::input::Input;
use super::invalid;
use crate::dispatch::Ask;
use crate::service::ServiceError;
use crate::state::State;
use crate::world::{LogGroup, LogStream, partition};

pub fn group<'a>(ask: &Ask, input: &Input, state: &'a State) -> Result<&'a LogGroup, ServiceError> {
    let name = match (input.text("logGroupName")?, input.text("logGroupIdentifier")?) {
        (Some(_), Some(_)) => {
            return Err(invalid("LogGroupName and LogGroupIdentifier cannot both be specified in the request."));
        }
        (None, None) => return Err(invalid("Either LogGroupName or LogGroupIdentifier must be specified.")),
        (Some(name), None) => name,
        (None, Some(identifier)) => named(ask, input, identifier)?,
    };
    groups(ask, state).find(|group| group.name == name).ok_or_else(|| missing("group"))
}

/// The groups of the caller's account and region.
pub fn groups<'a>(ask: &Ask, state: &'a State) -> impl Iterator<Item = &'a LogGroup> {
    let (account, region) = (ask.caller.account.clone(), ask.caller.region.clone());
    state.world.log_groups.iter().filter(move |group| group.account == account && group.region == region)
}

pub fn stream<'a>(ask: &Ask, input: &Input, state: &'a State, name: &str) -> Result<&'a LogStream, ServiceError> {
    let group = group(ask, input, state)?;
    group.streams.iter().find(|stream| stream.name == name).ok_or_else(|| missing("stream"))
}

pub fn arn(group: &LogGroup) -> String {
    let LogGroup { account, region, name, .. } = group;
    format!("arn:{}:logs:{region}:{account}:log-group:{name}", partition(region))
}

/// The name in an identifier: a name, or an ARN with or without `:*`.
fn named<'a>(ask: &Ask, input: &Input, identifier: &'a str) -> Result<&'a str, ServiceError> {
    let Some(arn) = identifier.strip_prefix("arn:") else {
        return Ok(identifier);
    };
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, "logs", region, account, "log-group", name] = parts[..] else {
        return Err(invalid(format!("Invalid log group ARN: {identifier}")));
    };
    if account != ask.caller.account {
        return Err(denied(ask, input, identifier));
    }
    if region != ask.caller.region {
        return Err(missing("group"));
    }
    Ok(name.strip_suffix(":*").unwrap_or(name))
}

fn denied(ask: &Ask, input: &Input, arn: &str) -> ServiceError {
    let (partition, account, operation) = (partition(&ask.caller.region), &ask.caller.account, ask.operation);
    let stream = input.text("logStreamName").ok().flatten().unwrap_or_default();
    let message = format!(
        "User: arn:{partition}:iam::{account}:user/simulated is not authorized to perform: logs:{operation} on \
         resource: {}:log-stream:{stream} because no resource-based policy allows the logs:{operation} action",
        arn.strip_suffix(":*").unwrap_or(arn)
    );
    ServiceError::new(400, "AccessDeniedException", message)
}

fn missing(thing: &str) -> ServiceError {
    ServiceError::new(400, "ResourceNotFoundException", format!("The specified log {thing} does not exist."))
}
