//! Why there are no credentials: the message of the service that refused, and the fix. Nothing here calls a service; it
//! only reads the files that the environment or the profile names.

use crate::aws::error::{self, sources};
use crate::aws::profile::InForce;
use crate::aws::refused::Refused;
use crate::aws::whole_reply::Refusal;
use crate::describe_image::SourceErrorKind;
use crate::describe_image::source_error::redacted;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use base64::Engine;
use serde::Deserialize;

/// The most characters of an error message of the SDK or a local program.
const MOST_WORDS: usize = 300;

/// Why there are no credentials of a role that the process's own credentials assume.
pub fn of_role(error: &CredentialsError) -> Refused {
    error::without_answer(error)
}

/// The error of credentials that no call can be signed with, or only one that AWS would refuse. They would replace good ones.
pub fn of_unusable(given: &Credentials) -> Option<CredentialsError> {
    // Static credentials in a file may have an empty token.
    let token = given.session_token().filter(|token| !token.is_empty() || given.expiry().is_some());
    let keys = [("access key id", given.access_key_id()), ("secret access key", given.secret_access_key())];
    let token = token.map(|token| ("session token", token));
    keys.into_iter().chain(token).find_map(|(name, text)| {
        // If STS's reply lacks a part, the SDK gives an empty text.
        if text.is_empty() {
            return Some(CredentialsError::provider_error(format!("the credentials have no {name}")));
        }
        // The SDK writes them into headers, and panics if there is a line break.
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        (!is_plain).then(|| CredentialsError::provider_error(of_space(name)))
    })
}

fn of_space(name: &str) -> Refused {
    Refused {
        kind: SourceErrorKind::InvalidCredentials,
        message: format!("the {name} has a line break, a space, or another character that none has"),
        fix: Some(format!("store the {name} without it; `echo` adds a line break, and `printf %s` does not")),
    }
}

/// Whether STS refused the credentials that were to assume the role.
pub fn is_of_base(error: &CredentialsError) -> bool {
    let of_role = sources(error).find_map(|source| source.downcast_ref::<AssumeRoleError>());
    of_role.and_then(ProvideErrorMetadata::code).is_some_and(error::is_refused_key_code)
}

/// Why there are none of the process's own credentials. `refusal` is the error that an agent or the instance metadata
/// answered meanwhile.
pub fn of_own(error: &CredentialsError, refusal: Option<Refusal>, profile: &InForce) -> Refused {
    // On a node without a role, the metadata has no credentials, which is no refusal.
    let is_nothing =
        |refusal: &Refusal| refusal.status == 404 && matches!(error, CredentialsError::CredentialsNotLoaded(_));
    if let Some(refusal) = refusal.filter(|refusal| !is_nothing(refusal)) {
        return of_agent(&refusal);
    }
    let judged = error::without_answer(error);
    if error::is_unreached(error) {
        return judged;
    }
    if sources(error).any(|source| source.is::<AssumeRoleError>()) {
        let of_trust = || {
            let role = format!("the role of profile '{}'", profile.name);
            let fix = format!("allow sts:AssumeRole on {role} in the caller's policy and in the role's trust policy");
            (judged.kind == SourceErrorKind::AccessDenied).then_some(fix)
        };
        let fix = judged.fix.clone().or_else(of_trust);
        return Refused { fix, ..judged };
    }
    if let Some(sts) = sources(error).find_map(|source| source.downcast_ref::<AssumeRoleWithWebIdentityError>()) {
        let fix = of_web_identity(sts.code(), sts.message().unwrap_or_default(), profile);
        return Refused { fix: fix.or(judged.fix), ..judged };
    }
    let words = redacted(&error::chain(error));
    let refused = |message: &str, fix: String| Refused {
        kind: SourceErrorKind::InvalidCredentials,
        message: format!("no credentials: {}", message.chars().take(MOST_WORDS).collect::<String>()),
        fix: Some(fix),
    };
    if let Some(file) = unreadable_file(profile).filter(|_| sources(error).any(|source| source.is::<std::io::Error>()))
    {
        return refused(&file, "check that the file is mounted and can be read".to_owned());
    }
    match (error, &profile.sso) {
        (CredentialsError::CredentialsNotLoaded(_) | CredentialsError::ProviderTimedOut(_), _) => judged,
        (_, Some(name)) if is_of_login(error, &words) => {
            refused(&words, format!("log in again: aws sso login --profile {name}"))
        }
        // The cause is on this machine, so waiting does not help.
        _ if words.contains("external process") => {
            refused(&words, "check that the credential_process of the profile works".to_owned())
        }
        (CredentialsError::InvalidConfiguration(_), _) => {
            refused(&words, format!("correct the profile '{}' in the AWS configuration", profile.name))
        }
        _ => judged,
    }
}

/// Whether the login of IAM Identity Center is expired or missing. False if the cause is a role or a rate limit.
fn is_of_login(error: &CredentialsError, words: &str) -> bool {
    let code = sources(error).find_map(|source| source.downcast_ref::<ErrorMetadata>()?.code());
    words.contains("SSO token")
        || words.contains("sso/cache")
        || code == Some("UnauthorizedException")
        || words.contains("UnauthorizedException")
        || words.contains("Session token not found")
}

/// The refusal of a credentials agent on this machine (EKS Pod Identity, ECS) or of the instance metadata.
fn of_agent(Refusal { url, status, words }: &Refusal) -> Refused {
    let is_task = url.contains("//169.254.170.2/");
    let (who, fix) = match url.as_str() {
        url if url.contains("/latest/") => (
            "the instance metadata",
            "allow it in the node's metadata options, or give the ServiceAccount a role with EKS Pod Identity or IRSA",
        ),
        _ if is_task => {
            ("the agent of the task", "check the task's role (taskRoleArn) and that it trusts ecs-tasks.amazonaws.com")
        }
        _ => (
            "the credentials agent",
            "check that the ServiceAccount has an EKS Pod Identity association, that its role trusts pods.eks.amazonaws.com \
             with sts:AssumeRole and sts:TagSession, and that the pod was created after it",
        ),
    };
    // In ECS, the path of the URL is a secret: it gives access to the credentials.
    let at = if is_task { "http://169.254.170.2" } else { url };
    let words = if words.is_empty() { String::new() } else { format!(": {words}") };
    let (kind, fix) = match status {
        429 => (SourceErrorKind::Throttled, None),
        // A server error may pass without a fix, a refusal does not.
        500.. => (SourceErrorKind::ServiceError, Some(fix.to_owned())),
        _ => (SourceErrorKind::InvalidCredentials, Some(fix.to_owned())),
    };
    Refused { kind, message: format!("no credentials: {who} at {at} answered HTTP {status}{words}"), fix }
}

/// The first file that cannot be read, with the reason, of those that the profile and the environment name.
fn unreadable_file(profile: &InForce) -> Option<String> {
    let of_environment = ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"];
    let named = of_environment.into_iter().filter_map(|name| Some((name, std::env::var(name).ok()?)));
    let of_profile = profile.web_identity.clone().map(|(file, _)| ("web_identity_token_file", file));
    of_profile.into_iter().chain(named).find_map(|(name, file)| {
        let error = std::fs::read(&file).err()?;
        Some(format!("{file} ({name}): {error}"))
    })
}

/// The fix if STS refuses the token of a ServiceAccount.
fn of_web_identity(code: Option<&str>, message: &str, profile: &InForce) -> Option<String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let of_environment = || {
        let role = variable("AWS_ROLE_ARN").unwrap_or_else(|| "the role".to_owned());
        Some((variable("AWS_WEB_IDENTITY_TOKEN_FILE")?, role))
    };
    let (file, role) = profile.web_identity.clone().or_else(of_environment)?;
    let Claims { iss, sub, aud } =
        std::fs::read_to_string(&file).ok().and_then(|token| claims(&token)).unwrap_or_default();
    let named = |what: &str, value: &str| if value.is_empty() { what.to_owned() } else { format!("{what} {value}") };
    match code {
        Some("AccessDenied") => Some(format!(
            "the trust policy of {role} must name this {}, {} and {}",
            named("OIDC provider", &iss),
            named("subject", &sub),
            named("audience", aud.first()),
        )),
        Some("InvalidIdentityToken") if message.contains("audience") => Some(format!(
            "the IAM OIDC provider of the cluster must list the {} as a client id",
            named("audience", aud.first())
        )),
        Some("InvalidIdentityToken") if message.contains("verification key") => {
            Some(format!("AWS must be able to read the keys of {} over the internet", named("the issuer", &iss)))
        }
        Some("InvalidIdentityToken") => Some(format!(
            "the account of {role} needs an IAM OIDC provider for {}, and the trust policy of the role must name it",
            named("the cluster's issuer", &iss)
        )),
        Some("ExpiredTokenException" | "ExpiredToken") => {
            Some(format!("the token in {file} is not renewed: mount it as a projected volume"))
        }
        _ => None,
    }
}

/// The claims in a ServiceAccount's token. They are not secret. The signature is, and is not decoded.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Default for Audience {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Audience {
    fn first(&self) -> &str {
        match self {
            Self::One(one) => one,
            Self::Many(many) => many.first().map_or("", String::as_str),
        }
    }
}

fn claims(token: &str) -> Option<Claims> {
    let body = token.trim().split('.').nth(1)?;
    let json = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(body.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_contains_what_the_trust_policy_must_name() {
        let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        for aud in [r#""sts.amazonaws.com""#, r#"["sts.amazonaws.com"]"#] {
            let body = format!(r#"{{"iss":"https://oidc","sub":"system:serviceaccount:a:b","aud":{aud},"exp":1}}"#);
            let claims = claims(&format!("{}.{}.signature\n", encode("{}"), encode(&body))).unwrap();
            assert_eq!((claims.iss.as_str(), claims.sub.as_str()), ("https://oidc", "system:serviceaccount:a:b"));
            assert_eq!(claims.aud.first(), "sts.amazonaws.com");
        }
        for broken in ["", "a.b", "a.!.c"] {
            assert!(claims(broken).is_none());
        }
    }

    #[test]
    fn an_agents_refusal_is_quoted_and_its_server_error_counts_as_temporary() {
        let refusal = |url: &str, status| Refusal { url: url.into(), status, words: "no association".into() };
        let refused = of_agent(&refusal("http://169.254.170.23/v1/credentials", 404));
        assert_eq!(refused.kind, SourceErrorKind::InvalidCredentials);
        let expected = "no credentials: the credentials agent at http://169.254.170.23/v1/credentials answered HTTP 404: no association";
        assert_eq!(refused.message, expected);
        assert!(refused.fix.unwrap().contains("Pod Identity association"));
        assert_eq!(of_agent(&refusal("http://a", 500)).kind, SourceErrorKind::ServiceError);
        assert_eq!(of_agent(&refusal("http://a", 429)).kind, SourceErrorKind::Throttled);
        let task = of_agent(&refusal("http://169.254.170.2/v2/credentials/c0ffee", 403));
        assert!(!task.message.contains("c0ffee") && task.fix.unwrap().contains("taskRoleArn"));
        let metadata = of_agent(&refusal("http://169.254.169.254/latest/api/token", 403));
        assert!(
            metadata.message.contains("the instance metadata") && metadata.fix.unwrap().contains("metadata options")
        );
    }
}
