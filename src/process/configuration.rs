//! The configuration file: the identities, parsed and checked. It is read at the start and after each change.

pub mod reload;

use crate::describe_image::scope::{DEFAULT_IDENTITY, IDENTITY_PATTERN, InvalidRole, is_identity_name};
use crate::describe_image::source_error::shortened;
use crate::describe_image::{Identity, Region, Role};
use crate::kubernetes::identities::grants::{Grant, Identities, Namespaces};
use crate::kubernetes::identities::selector::{InvalidSelector, NamespaceSelector};
use serde::Deserialize;
use std::collections::{BTreeSet, HashSet};
use std::path::Path;

/// The default name of a role session, at most 64 characters. The CloudTrail of the role's account contains it, and so it
/// tells for which identity a call was made.
fn session_name_of(identity: &str) -> String {
    format!("customimage-operator@{identity}").chars().take(64).collect()
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum InvalidConfiguration {
    #[error("{0}")]
    Unreadable(#[from] std::io::Error),
    #[error("is empty: write identities: [] when there are none")]
    Empty,
    #[error("{0}")]
    Yaml(String),
    #[error("identities[{index}] ({name}): {problem}")]
    Identity { index: usize, name: String, problem: Problem },
}

/// What is wrong with an identity.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("name must be a DNS label, {IDENTITY_PATTERN}, at most 63 characters")]
    Name,
    #[error("another identity has the same name")]
    Twice,
    #[error("this identity is the operator's own credentials and takes no roleArn; give the role another name")]
    DefaultWithRole,
    #[error("externalId and sessionName need a roleArn")]
    NoRole,
    #[error(
        "exactly one of namespaces and namespaceSelector must say which namespaces may use it; namespaceSelector: {{}} selects all"
    )]
    Namespaces,
    #[error("region '{0}' is not a region name such as eu-west-1")]
    Region(String),
    #[error(transparent)]
    Role(#[from] InvalidRole),
    #[error(transparent)]
    Selector(#[from] InvalidSelector),
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct ConfigurationFile {
    identities: Vec<IdentityEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IdentityEntry {
    name: String,
    role_arn: Option<String>,
    external_id: Option<String>,
    session_name: Option<String>,
    regions: Option<Vec<String>>,
    namespaces: Option<BTreeSet<String>>,
    namespace_selector: Option<NamespaceSelector>,
}

/// Reads and parses the configuration in `file`.
///
/// # Errors
/// When the file cannot be read or is invalid.
pub fn read(file: &Path) -> Result<Identities, InvalidConfiguration> {
    parse(&std::fs::read_to_string(file)?)
}

/// Parses a configuration.
///
/// # Errors
/// When it is invalid. The error names the entry, the field and the fix.
pub fn parse(text: &str) -> Result<Identities, InvalidConfiguration> {
    // A file that is being written may be empty for a moment. Without any entry, every namespace may use the default
    // identity.
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Err(InvalidConfiguration::Empty);
    }
    // The error must not quote the lines around a mistake, because they may contain an external id.
    let options = serde_saphyr::options! { with_snippet: false };
    let file: ConfigurationFile = serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| InvalidConfiguration::Yaml(with_place(&error)))?;
    let mut names = HashSet::new();
    let mut grants = Vec::new();
    for (index, entry) in file.identities.into_iter().enumerate() {
        let name = entry.name.clone();
        let is_new = names.insert(name.clone());
        let granted = if is_new { grant(entry) } else { Err(Problem::Twice) };
        let told = || shortened(&name).into_owned();
        grants.push(granted.map_err(|problem| InvalidConfiguration::Identity { index, name: told(), problem })?);
    }
    Ok(Identities::new(grants))
}

/// The text of the error. A long one, such as a name of a megabyte, is cut, and then ends with its place all the same.
fn with_place(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    match (shortened(&text), error.location()) {
        (cut, Some(place)) if cut.len() < text.len() => {
            format!("{cut} at line {}, column {}", place.line(), place.column())
        }
        (cut, _) => cut.into_owned(),
    }
}

fn grant(entry: IdentityEntry) -> Result<Grant, Problem> {
    let IdentityEntry { name, role_arn, external_id, session_name, regions, namespaces, namespace_selector } = entry;
    if !is_identity_name(&name) {
        return Err(Problem::Name);
    }
    let is_default = name == DEFAULT_IDENTITY;
    let role = match role_arn {
        Some(_) if is_default => return Err(Problem::DefaultWithRole),
        Some(arn) => Some(Role::parse(
            &arn,
            external_id.as_deref(),
            &session_name.clone().unwrap_or_else(|| session_name_of(&name)),
        )?),
        None if external_id.is_some() || session_name.is_some() => return Err(Problem::NoRole),
        None => None,
    };
    let namespaces = match (namespaces, namespace_selector) {
        (Some(names), None) => Namespaces::Named(names),
        (None, Some(selector)) => selector.try_into()?,
        (None, None) if is_default => Namespaces::All,
        (None, None) | (Some(_), Some(_)) => return Err(Problem::Namespaces),
    };
    let parse = |name: String| Region::parse(&name).map_err(|_| Problem::Region(shortened(&name).into_owned()));
    let regions = regions.map(|names| names.into_iter().map(parse).collect()).transpose()?;
    Ok(Grant { identity: Identity { name, role }, regions, namespaces })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESEARCH: &str = "{name: research, roleArn: 'arn:aws:iam::222233334444:role/r', externalId: ticket-7, namespaces: [hpc], regions: [eu-west-1]}";

    #[test]
    fn every_identity_is_parsed_and_a_default_identity_always_exists() {
        let identities =
            parse(&format!("identities:\n- {RESEARCH}\n- {{name: own, namespaceSelector: {{}}}}\n")).unwrap();
        let names: Vec<_> = identities.grants().iter().map(|grant| grant.identity.name.clone()).collect();
        assert_eq!(names, ["default", "own", "research"]);
        let role = identities.grants()[2].identity.role.clone().unwrap();
        assert_eq!((role.external_id(), role.session_name()), (Some("ticket-7"), "customimage-operator@research"));
        assert_eq!(session_name_of(&"n".repeat(63)).len(), 64, "STS takes no longer one");
        for empty in ["identities: []", "{}"] {
            assert_eq!(parse(empty).unwrap().grants().len(), 1, "{empty}");
        }
        for nothing in ["", "# nothing yet\n"] {
            assert!(matches!(parse(nothing), Err(InvalidConfiguration::Empty)), "{nothing}");
        }
    }

    #[test]
    fn the_error_of_a_wrong_entry_names_the_entry_and_the_field() {
        for (entry, words) in [
            ("{name: Research, namespaces: []}", "name must be a DNS label"),
            ("{name: default, roleArn: 'arn:aws:iam::222233334444:role/r'}", "takes no roleArn"),
            ("{name: r, roleArn: nope, namespaces: []}", "roleArn must be"),
            ("{name: r, externalId: abc, namespaces: []}", "need a roleArn"),
            ("{name: r}", "exactly one of"),
            ("{name: r, namespaces: [a], namespaceSelector: {}}", "exactly one of"),
            ("{name: r, namespaces: [a], regions: [Europe]}", "'Europe'"),
            ("{name: r, namespaces: [a], region: eu-west-1}", "region"),
            ("{name: r, namespaceSelector: {matchLabel: {a: b}}}", "matchLabel"),
        ] {
            let error = parse(&format!("identities: [{entry}]")).unwrap_err().to_string();
            assert!(error.contains(words), "{entry}: {error}");
        }
        let twice = parse(&format!("identities: [{RESEARCH}, {RESEARCH}]")).unwrap_err().to_string();
        assert!(twice.starts_with("identities[1] (research):"), "{twice}");
        let misspelt = RESEARCH.replace("externalId: ticket-7", "externalId: ticket-7, extrenalId: ticket-7");
        let error = parse(&format!("identities:\n- {misspelt}\n")).unwrap_err().to_string();
        assert!(error.contains("extrenalId") && !error.contains("ticket-7"), "{error}");
        assert!(parse("identitys: []").is_err());
    }

    #[test]
    fn a_long_text_is_cut_in_the_error_and_its_place_is_not() {
        let long = "x".repeat(100_000);
        for (entry, place) in [
            (format!("{{name: {long}}}"), "identities[0] (xxx"),
            (format!("{{name: r, {long}: a}}"), "line 1, column"),
            (format!("{{name: r, namespaces: [a], regions: [{long}]}}"), "identities[0] (r)"),
        ] {
            let error = parse(&format!("identities: [{entry}]")).unwrap_err().to_string();
            assert!(error.contains(place) && error.len() < 5000, "{error:.300}");
        }
    }
}
