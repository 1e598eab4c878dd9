//! Image Builder's REST-JSON protocol: GetImage.

use serde_json::{Map, Value, json};

use crate::dispatch::Ask;
use crate::reply::Reply;
use crate::service::ServiceError;
use crate::state::State;
use crate::world::{ImageBuildVersion, OutputAmi};

pub(crate) fn operate(ask: &Ask, state: &mut State) -> Result<Reply, ServiceError> {
    match (ask.request.method.as_str(), ask.operation) {
        ("GET", "GetImage") => get_image(ask, state),
        _ => Err(ServiceError::new(404, "UnknownOperationException", "Unknown operation")),
    }
}

fn get_image(ask: &Ask, state: &State) -> Result<Reply, ServiceError> {
    let invalid = |message: String| ServiceError::new(400, "InvalidParameterValueException", message);
    let arn = ask.request.query("imageBuildVersionArn").unwrap_or_default();
    if !(arn.starts_with("arn:") && arn.contains(":imagebuilder:") && arn.contains(":image/")) {
        return Err(invalid(format!(
            "The value supplied for parameter 'imageBuildVersionArn' is not valid. '{arn}' is not an image ARN."
        )));
    }
    let (account, region) = (&ask.caller.account, &ask.caller.region);
    let is_asked =
        |version: &&ImageBuildVersion| version.arn == arn && version.account() == account && version.region() == region;
    let version = state.world.image_build_versions.iter().find(is_asked);
    let missing =
        || ServiceError::new(404, "ResourceNotFoundException", format!("The requested resource does not exist: {arn}"));
    let version = version.ok_or_else(missing)?;
    let body = json!({ "requestId": ask.request_id, "image": image(version) });
    Ok(Reply::json(200, body.to_string()))
}

fn image(version: &ImageBuildVersion) -> Value {
    let mut image = Map::new();
    image.insert("arn".into(), version.arn.as_str().into());
    put(&mut image, "name", &version.name);
    put(&mut image, "version", &version.version);
    put(&mut image, "platform", &version.platform);
    put(&mut image, "dateCreated", &version.date_created);
    let mut state = Map::new();
    put(&mut state, "status", &version.status);
    put(&mut state, "reason", &version.reason);
    if let Some(context) = &version.failure_context {
        state.insert("failureContext".into(), context.clone());
    }
    if !state.is_empty() {
        image.insert("state".into(), state.into());
    }
    let amis: Vec<Value> = version.amis.iter().map(ami).collect();
    image.insert("outputResources".into(), json!({ "amis": amis }));
    image.extend(version.extra.clone());
    image.into()
}

fn ami(ami: &OutputAmi) -> Value {
    let mut output = Map::new();
    put(&mut output, "image", &ami.ami_id);
    put(&mut output, "region", &ami.region);
    put(&mut output, "name", &ami.name);
    put(&mut output, "description", &ami.description);
    put(&mut output, "accountId", &ami.account);
    output.into()
}

fn put(map: &mut Map<String, Value>, name: &str, value: &Option<String>) {
    if let Some(value) = value {
        map.insert(name.into(), value.as_str().into());
    }
}
