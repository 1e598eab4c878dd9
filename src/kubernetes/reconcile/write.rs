//! The status write: server-side apply of the whole status, so that no field of an earlier status remains. Where another
//! manager owns a field, too, it may be replaced. Both carry the resourceVersion that the status was computed from, so a
//! former leader cannot overwrite a newer status, and an old status cannot get into a re-created object.

use crate::kubernetes::custom_image::{CustomImage, CustomImageStatus};
use crate::kubernetes::ownership::{self, FIELD_MANAGER};
use crate::kubernetes::status::compose::sort;
use crate::kubernetes::status::transition::Note;
use crate::kubernetes::told::words;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::Request;
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::json;
use std::time::Duration;

/// What the API server did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// The object has this resourceVersion now. It is the same as before if the API server found nothing to change.
    Applied {
        version: Option<String>,
    },
    /// The object has changed meanwhile: reconcile it again from the store.
    Conflict {
        /// Whether the status is there, beside fields of another manager.
        is_half_done: bool,
    },
    Gone,
}

/// Why a status could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("the API server did not answer within {0:?}")]
    Timeout(Duration),
    #[error("the API server refused the status: {}", words(.0))]
    Refused(Box<kube::Error>),
    /// The status is there, beside fields of another manager.
    #[error("the API server refused to remove what others have written: {}", words(.0))]
    HalfDone(Box<kube::Error>),
}

/// Whether the API server has certainly not done this write.
#[must_use]
pub fn is_undone(written: &Result<Written, WriteError>) -> bool {
    match written {
        Ok(Written::Conflict { is_half_done }) => !is_half_done,
        Err(WriteError::Refused(error)) => {
            matches!(&**error, kube::Error::Api(answer) if (400..500).contains(&answer.code))
        }
        _ => false,
    }
}

impl WriteError {
    /// The cause, as the label of a metric.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        let (Self::Refused(error) | Self::HalfDone(error)) = self else { return "timeout" };
        let kube::Error::Api(answer) = &**error else { return "unreachable" };
        match answer.code {
            401 | 403 => "forbidden",
            400 | 422 => "invalid",
            413 => "too_large",
            // etcd refuses a large object with this text, and the API server passes it on as its own error.
            500 if answer.message.contains("too large") => "too_large",
            429 => "overloaded",
            // The JSON of a proxy has no code.
            0 | 500.. => "server_error",
            _ => "refused",
        }
    }

    /// The pause that the API server asks for.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let (Self::Refused(error) | Self::HalfDone(error)) = self else { return None };
        let kube::Error::Api(answer) = &**error else { return None };
        let seconds = answer.details.as_ref()?.retry_after_seconds;
        (seconds > 0).then(|| Duration::from_secs(seconds.into()))
    }
}

/// Writes `status` to `object`, within `timeout`. `is_replaced`: the status was replaced before, so an apply would leave what
/// was written then.
///
/// # Errors
/// When the API server does not answer in time, or refuses the status.
pub async fn status(
    client: &Client,
    object: &CustomImage,
    is_replaced: bool,
    status: &CustomImageStatus,
    timeout: Duration,
) -> Result<Written, WriteError> {
    let api: Api<CustomImage> = Api::namespaced(client.clone(), &object.namespace().unwrap_or_default());
    let answered = |error: &kube::Error, code| matches!(error, kube::Error::Api(answer) if answer.code == code);
    let written = tokio::time::timeout(timeout, async {
        if is_replaced {
            return replace_whole(&api, object, status).await;
        }
        match apply(&api, object, status).await {
            Ok(applied) if applied.status.as_ref() == Some(status) => Ok(applied.resource_version()),
            Ok(applied) => {
                let replaced = replace(&api, applied, status).await;
                replaced.map(|replaced| replaced.resource_version()).map_err(|error| WriteError::HalfDone(error.into()))
            }
            // An apply leaves the parts of a condition that another manager owns, too, and parts of one are invalid.
            Err(error) if answered(&error, 422) => replace_whole(&api, object, status).await,
            Err(error) => Err(WriteError::Refused(error.into())),
        }
    });
    match written.await {
        Err(_) => Err(WriteError::Timeout(timeout)),
        Ok(Ok(version)) => Ok(Written::Applied { version }),
        Ok(Err(WriteError::Refused(error))) if answered(&error, 409) => Ok(Written::Conflict { is_half_done: false }),
        Ok(Err(WriteError::HalfDone(error))) if answered(&error, 409) => Ok(Written::Conflict { is_half_done: true }),
        Ok(Err(WriteError::Refused(error) | WriteError::HalfDone(error))) if answered(&error, 404) => Ok(Written::Gone),
        Ok(Err(error)) => Err(error),
    }
}

/// The Event that another writer undoes our writes, and that the operator rests for `rest` because of it. It names the
/// writer as far as the API server knows it.
pub async fn contested(client: &Client, object: &CustomImage, rest: Duration, timeout: Duration) -> Note {
    let api: Api<CustomImage> = Api::namespaced(client.clone(), &object.namespace().unwrap_or_default());
    let name = object.name_any();
    let read = tokio::time::timeout(timeout, api.get_metadata(&name)).await;
    let managed = read.ok().and_then(Result::ok).and_then(|now| now.metadata.managed_fields).unwrap_or_default();
    let others = ownership::others(&managed);
    let who = match others.is_empty() {
        true => "another release of this operator, a webhook, or an older CRD".to_owned(),
        false => others.into_iter().collect::<Vec<_>>().join(", "),
    };
    let text = format!(
        "changed this status after the operator wrote it: {who}; the operator now writes less often, first after {rest:?}; let only one release watch a namespace, and nobody else write customimages/status"
    );
    Note { is_warning: true, reason: "StatusContested".to_owned(), text }
}

/// The API server reads the body of an apply as YAML, which takes some characters of JSON only when they are escaped.
fn yaml_safe(json: Vec<u8>) -> Vec<u8> {
    let is_unsafe = |c: char| matches!(c, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
    match std::str::from_utf8(&json) {
        // They can only be inside of strings.
        Ok(text) if text.contains(is_unsafe) => {
            let escape = |c: char| if is_unsafe(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
            text.chars().map(escape).collect::<String>().into_bytes()
        }
        Ok(_) | Err(_) => json,
    }
}

/// Returns the object after the write. It still has the fields that only another manager owns.
async fn apply(api: &Api<CustomImage>, object: &CustomImage, status: &CustomImageStatus) -> kube::Result<CustomImage> {
    let body = json!({
        "apiVersion": CustomImage::api_version(&()),
        "kind": CustomImage::kind(&()),
        "metadata": {"name": object.name_any(), "resourceVersion": object.meta().resource_version},
        "status": status,
    });
    let (name, namespace) = (object.name_any(), object.namespace());
    let request = Request::new(CustomImage::url_path(&(), namespace.as_deref()))
        .patch_subresource("status", &name, &PatchParams::apply(FIELD_MANAGER).force(), &Patch::Apply(&body))
        .map_err(kube::Error::BuildRequest)?;
    let mut applied: CustomImage = api.clone().into_client().request(request.map(yaml_safe)).await?;
    applied.status.iter_mut().for_each(sort);
    Ok(applied)
}

/// Replaces the whole status, without an apply before. Returns the object's resourceVersion after the write.
async fn replace_whole(
    api: &Api<CustomImage>,
    before: &CustomImage,
    status: &CustomImageStatus,
) -> Result<Option<String>, WriteError> {
    let replaced = replace(api, before.clone(), status).await.map_err(|error| WriteError::Refused(error.into()))?;
    if ownership::own_part(status, replaced.managed_fields()).is_none() {
        return Ok(replaced.resource_version());
    }
    // What has not changed still belongs to others alone, and a new process would not believe it. An apply of the same makes it
    // the operator's, too. The status is there, whatever becomes of that.
    Ok(apply(api, &replaced, status).await.unwrap_or(replaced).resource_version())
}

/// Replaces the whole status, and so removes the fields of another manager, which AWS did not say. Returns the object after
/// the write.
async fn replace(api: &Api<CustomImage>, before: CustomImage, status: &CustomImageStatus) -> kube::Result<CustomImage> {
    let mut object = CustomImage { status: Some(status.clone()), ..before };
    object.meta_mut().managed_fields = None;
    let manager = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    api.replace_status(&object.name_any(), &manager, &object).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Method, Request, Response};
    use kube::client::Body;
    use std::convert::Infallible;

    const WHOLE: &str = r#"{"metadata": {"name": "img"}, "spec": {"imageId": "img"}, "status": {"imageId": "img"}}"#;

    /// The result of a write, if an apply is answered by `applied`, and a replacement by `replaced`.
    async fn written(is_replaced: bool, applied: (u16, &str), replaced: u16) -> Result<Written, WriteError> {
        let (applied, said) = (applied.0, applied.1.to_owned());
        let server = tower::service_fn(move |request: Request<Body>| {
            let (code, body) = match *request.method() {
                Method::PATCH => (applied, said.clone()),
                _ if replaced == 200 => (200, WHOLE.to_owned()),
                _ => (replaced, "no".to_owned()),
            };
            async move {
                if code == 0 {
                    std::future::pending::<()>().await;
                }
                Ok::<_, Infallible>(Response::builder().status(code).body(Body::from(body.into_bytes())).unwrap())
            }
        });
        let spec = serde_json::from_value(json!({"imageId": "img"})).unwrap();
        let object = CustomImage::new("img", spec);
        let next = CustomImageStatus { image_id: Some("img".into()), ..CustomImageStatus::default() };
        let client = Client::new(server, "default");
        status(&client, &object, is_replaced, &next, Duration::from_secs(15)).await
    }

    async fn is_undone_after(applied: (u16, &str), replaced: u16) -> bool {
        is_undone(&written(false, applied, replaced).await)
    }

    #[tokio::test]
    async fn a_status_is_replaced_after_an_apply_that_is_invalid_and_from_then_on() {
        for (is_replaced, applied, is_written) in [
            (false, (200, WHOLE), true),
            (false, (422, "no"), true),
            (false, (400, "no"), false),
            (true, (400, "no"), true),
        ] {
            assert_eq!(written(is_replaced, applied, 200).await.is_ok(), is_written, "{is_replaced} {applied:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_plain_refusal_of_the_request_that_would_write_it_says_that_a_write_is_not_done() {
        let mixed = r#"{"metadata": {"name": "img"}, "spec": {"imageId": "img"}, "status": {"imageId": "img", "region": "theirs"}}"#;
        for code in [400, 403, 409, 429] {
            assert!(is_undone_after((code, "no"), 200).await, "{code}");
            assert!(is_undone_after((422, "no"), code).await, "the replacement: {code}");
            assert!(!is_undone_after((200, mixed), code).await, "half done, then {code}");
        }
        for code in [0, 500, 503, 504] {
            assert!(!is_undone_after((code, "no"), 200).await, "{code}");
            assert!(!is_undone_after((422, "no"), code).await, "the replacement: {code}");
        }
        assert!(!is_undone_after((504, "{\"message\": \"the words of a proxy\"}"), 200).await);
    }

    #[test]
    fn the_body_of_an_apply_has_no_character_that_yaml_refuses_and_says_the_same() {
        let status = json!({"a": "x\u{7f}\u{85}\u{9b}\u{fffe}y", "plain": "é\u{2028}"});
        let body = yaml_safe(serde_json::to_vec(&status).unwrap());
        let text = String::from_utf8(body).unwrap();
        assert!(text.contains("x\\u007f\\u0085\\u009b\\ufffey") && text.contains("é\u{2028}"), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), status);
    }
}
