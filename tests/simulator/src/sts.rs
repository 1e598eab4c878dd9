//! STS's query protocol, version 2011-06-15: GetCallerIdentity, AssumeRole and AssumeRoleWithWebIdentity.

use jiff::{SignedDuration, Timestamp};

use crate::digest;
use crate::dispatch::Ask;
use crate::reply::Reply;
use crate::service::ServiceError;
use crate::state::{Session, State};
use crate::world::{World, partition};
use crate::xml::Xml;

pub(crate) fn operate(ask: &Ask, state: &mut State) -> Result<Reply, ServiceError> {
    match ask.operation {
        "GetCallerIdentity" => Ok(caller_identity(ask, state)),
        "AssumeRole" => assume_role(ask, state),
        "AssumeRoleWithWebIdentity" => assume_role_with_web_identity(ask, state),
        other => Err(ServiceError::new(
            400,
            "InvalidAction",
            format!("Could not find operation {other} for version 2011-06-15"),
        )),
    }
}

fn response(ask: &Ask, content: impl FnOnce(&mut Xml)) -> Reply {
    let mut xml = Xml::new();
    xml.element(&format!("{}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"", ask.operation), |xml| {
        xml.element(&format!("{}Result", ask.operation), content);
        xml.element("ResponseMetadata", |xml| xml.text("RequestId", &ask.request_id));
    });
    Reply::xml(200, xml.finish())
}

fn identity(ask: &Ask, state: &State) -> (String, String) {
    let access_key = ask.caller.access_key.as_deref().unwrap_or_default();
    match state.sessions.get(access_key) {
        Some(session) => (session.arn.clone(), session.role_id.clone()),
        None => {
            let arn = format!("arn:{}:iam::{}:user/simulated", partition(&ask.caller.region), ask.caller.account);
            (arn, format!("AIDA{}", digest::hex(&["user", access_key], 16).to_uppercase()))
        }
    }
}

fn caller_identity(ask: &Ask, state: &State) -> Reply {
    let (arn, user_id) = identity(ask, state);
    response(ask, |xml| {
        xml.text("Arn", &arn);
        xml.text("UserId", &user_id);
        xml.text("Account", &ask.caller.account);
    })
}

fn assume_role(ask: &Ask, state: &mut State) -> Result<Reply, ServiceError> {
    let role_arn = required(ask, "RoleArn", "roleArn")?;
    let session_name = required(ask, "RoleSessionName", "roleSessionName")?;
    let invalid = || ServiceError::new(400, "ValidationError", format!("{role_arn} is invalid"));
    let (account, role_name) = account_and_role(role_arn).ok_or_else(invalid)?;
    if !is_allowed(&state.world, role_arn, ask.parameters.get("ExternalId")) {
        let (caller, _) = identity(ask, state);
        let message = format!("User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role_arn}");
        return Err(ServiceError::new(403, "AccessDenied", message));
    }
    Ok(hand_out(ask, state, account, role_name, session_name))
}

/// Accepts any token, if the world allows the role.
fn assume_role_with_web_identity(ask: &Ask, state: &mut State) -> Result<Reply, ServiceError> {
    let role_arn = required(ask, "RoleArn", "roleArn")?;
    let session_name = required(ask, "RoleSessionName", "roleSessionName")?;
    required(ask, "WebIdentityToken", "webIdentityToken")?;
    let invalid = || ServiceError::new(400, "ValidationError", format!("{role_arn} is invalid"));
    let (account, role_name) = account_and_role(role_arn).ok_or_else(invalid)?;
    if !is_allowed(&state.world, role_arn, None) {
        let message = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
        return Err(ServiceError::new(403, "AccessDenied", message));
    }
    Ok(hand_out(ask, state, account, role_name, session_name))
}

fn hand_out(ask: &Ask, state: &mut State, account: &str, role_name: &str, session_name: &str) -> Reply {
    let role_arn = ask.parameters.get("RoleArn").unwrap_or_default();
    let access_key = format!("ASIA{account}{:04X}", state.next_number());
    let role = digest::hex(&["role", role_arn], 17).to_uppercase();
    let partition = partition(&ask.caller.region);
    let session = Session {
        arn: format!("arn:{partition}:sts::{account}:assumed-role/{role_name}/{session_name}"),
        role_id: format!("AROA{role}:{session_name}"),
        expires: expiry(ask, state),
    };
    let reply = assumed(ask, &access_key, &session);
    state.sessions.insert(access_key, session);
    reply
}

fn required<'a>(ask: &'a Ask, name: &str, member: &str) -> Result<&'a str, ServiceError> {
    let missing = || {
        let message = format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        );
        ServiceError::new(400, "ValidationError", message)
    };
    ask.parameters.get(name).ok_or_else(missing)
}

fn expiry(ask: &Ask, state: &State) -> Timestamp {
    let seconds = ask.parameters.get("DurationSeconds");
    let seconds = seconds.and_then(|it| it.parse().ok()).unwrap_or(3600);
    let now = state.clock.now();
    now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(now)
}

fn assumed(ask: &Ask, access_key: &str, session: &Session) -> Reply {
    let expiration = session.expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    response(ask, |xml| {
        xml.element("Credentials", |xml| {
            xml.text("AccessKeyId", access_key);
            xml.text("SecretAccessKey", &digest::hex(&["secret", access_key], 40));
            xml.text("SessionToken", &digest::hex(&["token", access_key], 160));
            xml.text("Expiration", &expiration);
        });
        xml.element("AssumedRoleUser", |xml| {
            xml.text("AssumedRoleId", &session.role_id);
            xml.text("Arn", &session.arn);
        });
    })
}

/// Parses `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`.
fn account_and_role(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.strip_prefix("arn:")?.splitn(5, ':');
    let (_partition, _iam, _region, account, role) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let name = role.strip_prefix("role/")?.rsplit('/').next()?;
    is_account.then_some((account, name))
}

fn is_allowed(world: &World, role_arn: &str, external_id: Option<&str>) -> bool {
    if world.roles.is_empty() {
        return true;
    }
    world.roles.iter().find(|role| role.arn == role_arn).is_some_and(|role| {
        !role.denied && role.external_id.as_deref().is_none_or(|wanted| external_id == Some(wanted))
    })
}
