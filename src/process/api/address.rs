//! The base URL of a request: for which namespace and identity it is.

use crate::describe_image::scope::is_identity_name;

const IDENTITIES: &str = "/identities/";

/// For whom a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    pub namespace: String,
    /// `None`: the default identity.
    pub identity: Option<String>,
}

impl Base {
    /// The base of `path`, and the rest of the path, which begins with a slash. `None` if its names are none of Kubernetes.
    pub fn of(path: &str) -> Option<(Self, &str)> {
        let (namespace, rest) = named("/namespaces/", path)?;
        let (identity, rest) = match named(IDENTITIES, rest) {
            Some((identity, rest)) => (Some(identity), rest),
            None if rest.starts_with(IDENTITIES) => return None,
            None => (None, rest),
        };
        Some((Self { namespace, identity }, rest))
    }
}

/// A name after `before`, and the rest of the path. Namespaces and identities are both named by DNS labels.
fn named<'a>(before: &str, path: &'a str) -> Option<(String, &'a str)> {
    let after = path.strip_prefix(before)?;
    let (name, rest) = after.split_at(after.find('/')?);
    is_identity_name(name).then(|| (name.to_owned(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_namespace_and_perhaps_an_identity() {
        let of = |path| Base::of(path).map(|(base, rest)| (base.namespace, base.identity, rest));
        assert_eq!(of("/namespaces/hpc/v3/images/custom"), Some(("hpc".into(), None, "/v3/images/custom")));
        let research = Some(("hpc".into(), Some("research".into()), "/v3/images/custom/a%2Fb"));
        assert_eq!(of("/namespaces/hpc/identities/research/v3/images/custom/a%2Fb"), research);
        for path in ["/", "/v3/images/custom", "/namespaces/", "/namespaces/hpc", "/namespaces/Hpc/v3"] {
            assert_eq!(of(path), None, "{path}");
        }
        for name in ["a.b", "%61", "..", "Hpc", &"a".repeat(64), ""] {
            assert_eq!(Base::of(&format!("/namespaces/{name}/v3")), None, "{name}");
            assert_eq!(Base::of(&format!("/namespaces/hpc/identities/{name}/v3")), None, "{name}");
        }
    }
}
