//! The AWS profile in use, and its problems that the SDK does not report: it is missing, incomplete, needs an MFA code
//! or a console login, or has lost its credentials.

use super::refused::Refused;
use crate::describe_image::SourceErrorKind;
use aws_config::profile::{Profile, ProfileSet};
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_types::os_shim_internal::{Env, Fs};

/// The AWS profile in use.
#[derive(Debug, Default)]
pub struct InForce {
    pub name: String,
    /// The name of the profile in its chain that logs in with IAM Identity Center.
    pub sso: Option<String>,
    /// The token's file and the role, if a profile in its chain uses a web identity.
    pub web_identity: Option<(String, String)>,
    pub problem: Option<Refused>,
}

/// Reads the files each time, because they may have changed.
pub async fn in_force() -> InForce {
    let selected = nameless().then(|| "default".into());
    match aws_config::profile::load(&Fs::real(), &Env::real(), &EnvConfigFiles::default(), selected).await {
        Ok(profiles) => of(&profiles, variable("AWS_PROFILE").as_deref(), variable("AWS_ACCESS_KEY_ID").is_some()),
        // The SDK reports this error itself.
        Err(_) => InForce::default(),
    }
}

/// Whether AWS_PROFILE is set but empty. It then counts as unset. The SDK would use a profile with the empty name.
pub fn nameless() -> bool {
    std::env::var("AWS_PROFILE").is_ok_and(|name| name.is_empty())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// `named` is the value of AWS_PROFILE. `is_unused` means that the environment has keys, which come before the
/// profile's.
fn of(profiles: &ProfileSet, named: Option<&str>, is_unused: bool) -> InForce {
    let name = profiles.selected_profile();
    let Some(profile) = profiles.get_profile(name) else {
        let problem = named.map(|named| missing(&format!("profile '{named}' (AWS_PROFILE)")));
        return InForce { name: name.to_owned(), problem, ..InForce::default() };
    };
    let chain = chain(profiles, profile);
    let asks_for_mfa = |profile: &&&Profile| profile.get("role_arn").is_some() && profile.get("mfa_serial").is_some();
    let problem = match (&chain.missing, chain.profiles.iter().find(asks_for_mfa)) {
        _ if is_unused => None,
        (Some((name, by)), _) => Some(missing(&format!("profile '{name}' (source_profile of '{by}')"))),
        (None, Some(profile)) => Some(needs_mfa(profile)),
        (None, None) => chain.profiles.last().and_then(|base| not_usable(base)),
    };
    let sso = chain.profiles.iter().find(|profile| is_sso(profile)).map(|profile| profile.name().to_owned());
    let web_identity = chain.profiles.iter().find_map(|profile| {
        let role = profile.get("role_arn").unwrap_or("the role");
        Some((profile.get("web_identity_token_file")?.to_owned(), role.to_owned()))
    });
    InForce { name: name.to_owned(), sso, web_identity, problem }
}

fn is_sso(profile: &Profile) -> bool {
    ["sso_session", "sso_start_url"].iter().any(|key| profile.get(key).is_some())
}

fn has_keys(profile: &Profile) -> bool {
    ["aws_access_key_id", "aws_secret_access_key"].iter().all(|key| profile.get(key).is_some())
}

/// The problem of a profile that the SDK would skip silently.
fn not_usable(profile: &Profile) -> Option<Refused> {
    let name = profile.name();
    let refused = |message: String, fix: &str| {
        Some(Refused { kind: SourceErrorKind::InvalidCredentials, message, fix: Some(fix.to_owned()) })
    };
    if has_keys(profile) || profile.get("role_arn").is_some() {
        return None;
    }
    if profile.get("login_session").is_some() {
        let fix = "use another profile, or the credentials of a session: aws configure export-credentials --format env";
        return refused(
            format!("profile '{name}' logs in with the AWS console (login_session), which is not supported here"),
            fix,
        );
    }
    let needed: &[&str] = match profile.get("sso_session") {
        _ if !is_sso(profile) => &[],
        Some(_) => &["sso_account_id", "sso_role_name"],
        None => &["sso_account_id", "sso_role_name", "sso_region"],
    };
    let lacking = needed.iter().find(|key| profile.get(key).is_none())?;
    refused(format!("profile '{name}' has no {lacking}"), "complete the profile: aws configure sso")
}

/// The error if a profile has lost its credentials. The process must not continue with others, such as the node's.
pub fn gone(name: &str) -> Refused {
    let (config, credentials) = files();
    Refused {
        kind: SourceErrorKind::InvalidCredentials,
        message: format!("profile '{name}' no longer has credentials in {config} or {credentials}"),
        fix: Some("add them again; no other credentials are used instead".to_owned()),
    }
}

/// A profile and those whose credentials it uses.
struct Chain<'a> {
    profiles: Vec<&'a Profile>,
    /// A profile that does not exist, and the one that names it.
    missing: Option<(String, String)>,
}

/// Follows `source_profile` from the profile `first`, as the SDK does.
fn chain<'a>(profiles: &'a ProfileSet, first: &'a Profile) -> Chain<'a> {
    let mut chain = Chain { profiles: vec![first], missing: None };
    let mut profile = first;
    while let Some(source) = profile.get("source_profile").filter(|_| profile.get("role_arn").is_some()) {
        match profiles.get_profile(source) {
            None => chain.missing = Some((source.to_owned(), profile.name().to_owned())),
            // After the first profile, one with keys ends the chain. The SDK ignores its other settings.
            Some(next) if has_keys(next) => {}
            Some(next) if !chain.profiles.iter().any(|before| before.name() == next.name()) => {
                chain.profiles.push(next);
                profile = next;
                continue;
            }
            // The profile itself, or a circle. The SDK handles the first and reports the second.
            Some(_) => {}
        }
        break;
    }
    chain
}

/// The paths of the configuration file and the credentials file.
fn files() -> (String, String) {
    let file = |name: &str, default: &str| variable(name).unwrap_or_else(|| default.to_owned());
    (file("AWS_CONFIG_FILE", "~/.aws/config"), file("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"))
}

fn missing(what: &str) -> Refused {
    let (config, credentials) = files();
    Refused {
        kind: SourceErrorKind::InvalidCredentials,
        message: format!("{what} is neither in {config} nor in {credentials}"),
        fix: Some("correct the name, or add the profile; no other credentials are tried instead".to_owned()),
    }
}

fn needs_mfa(profile: &Profile) -> Refused {
    Refused {
        kind: SourceErrorKind::InvalidCredentials,
        message: format!("profile '{}' asks for an MFA code (mfa_serial), which is not supported here", profile.name()),
        fix: Some(
            "use a profile without mfa_serial, or set the credentials of a session in the environment: \
             aws configure export-credentials --format env"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn profiles(config: &str, named: Option<&str>) -> ProfileSet {
        let fs = Fs::from_slice(&[("config", config)]);
        let mut env = vec![("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "none")];
        env.extend(named.map(|named| ("AWS_PROFILE", named)));
        let env = Env::from_slice(&env);
        aws_config::profile::load(&fs, &env, &EnvConfigFiles::default(), None).await.unwrap()
    }

    async fn problem(config: &str, named: Option<&str>, has_keys: bool) -> Option<String> {
        of(&profiles(config, named).await, named, has_keys).problem.map(|problem| problem.message)
    }

    const CONFIG: &str = "[profile plain]\naws_access_key_id = a\naws_secret_access_key = b\n\
        [profile chained]\nrole_arn = r\nsource_profile = plain\n\
        [profile mistyped]\nrole_arn = r\nsource_profile = plian\n\
        [profile mfa]\nrole_arn = r\nsource_profile = plain\nmfa_serial = arn:m\n\
        [profile behind]\nrole_arn = r\nsource_profile = mfa\n\
        [profile itself]\nrole_arn = r\nsource_profile = itself\naws_access_key_id = a\naws_secret_access_key = b\n";

    #[tokio::test]
    async fn a_missing_profile_is_reported_by_its_name() {
        for named in ["plain", "chained", "itself"] {
            assert_eq!(problem(CONFIG, Some(named), false).await, None, "{named}");
        }
        assert!(problem(CONFIG, Some("nobody"), true).await.unwrap().contains("'nobody' (AWS_PROFILE)"));
        assert!(problem("", Some("nobody"), false).await.unwrap().contains("'nobody'"));
        let mistyped = problem(CONFIG, Some("mistyped"), false).await.unwrap();
        assert!(mistyped.contains("'plian' (source_profile of 'mistyped')"), "{mistyped}");
        assert_eq!(problem("", None, false).await, None);
    }

    #[tokio::test]
    async fn a_profile_that_the_sdk_would_skip_is_reported() {
        let sso =
            "[profile a]\nsso_session = s\nsso_account_id = 1\n[sso-session s]\nsso_region = r\nsso_start_url = u\n";
        assert_eq!(problem(sso, Some("a"), false).await.as_deref(), Some("profile 'a' has no sso_role_name"));
        let console = "[profile a]\nlogin_session = arn:x\n";
        assert!(problem(console, Some("a"), false).await.unwrap().contains("login_session"));
        let behind = "[profile a]\nrole_arn = r\nsource_profile = b\n\
            [profile b]\naws_access_key_id = a\naws_secret_access_key = b\nsso_session = s\nrole_arn = r\nmfa_serial = m\n";
        assert_eq!(problem(behind, Some("a"), false).await, None, "its keys are used");
        let whole = "[profile a]\nsso_start_url = u\nsso_region = r\nsso_account_id = 1\nsso_role_name = n\n";
        assert_eq!(problem(whole, Some("a"), false).await, None);
    }

    #[tokio::test]
    async fn a_profile_that_asks_for_an_mfa_code_is_reported_if_it_is_used() {
        for named in ["mfa", "behind"] {
            assert!(
                problem(CONFIG, Some(named), false).await.unwrap().contains("'mfa' asks for an MFA code"),
                "{named}"
            );
            assert_eq!(problem(CONFIG, Some(named), true).await, None, "{named}");
        }
    }
}
