//! An HTTP request with its whole body, and the lookups that the protocols need.

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::http::request::Parts;

#[derive(Debug)]
pub(crate) struct Request {
    pub method: String,
    /// As on the wire, still percent-encoded.
    pub path: String,
    /// Decoded, in order.
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Request {
    pub fn new(parts: Parts, body: Bytes) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        Self {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: decoded(query.as_bytes()),
            headers: parts.headers,
            body,
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn query(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }

    /// The parameters of the query protocols: those of the URL, then those of the form.
    pub fn parameters(&self) -> Parameters {
        let is_form = self.header("content-type").is_some_and(|it| it.starts_with("application/x-www-form-urlencoded"));
        let mut parameters = self.query.clone();
        if is_form {
            parameters.extend(decoded(&self.body));
        }
        Parameters(parameters)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub fn get(&self, name: &str) -> Option<&str> {
        find(&self.0, name)
    }

    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The values of `NAME.1`, `NAME.2`, … in order of the numbers.
    pub fn list(&self, name: &str) -> Vec<&str> {
        let whole = |(number, rest, value): (usize, &str, _)| rest.is_empty().then_some((number, value));
        let mut numbered: Vec<(usize, _)> = self.numbered(name).filter_map(whole).collect();
        numbered.sort_by_key(|(number, _)| *number);
        numbered.into_iter().map(|(_, value)| value).collect()
    }

    /// The numbers N for which `NAME.N.…` exists, in order.
    pub fn numbers(&self, name: &str) -> Vec<usize> {
        let mut numbers: Vec<usize> = self.numbered(name).map(|(number, _, _)| number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    fn numbered<'a>(&'a self, name: &str) -> impl Iterator<Item = (usize, &'a str, &'a str)> {
        self.0.iter().filter_map(move |(key, value)| {
            let rest = key.strip_prefix(name)?.strip_prefix('.')?;
            let (number, rest) = rest.split_once('.').unwrap_or((rest, ""));
            Some((number.parse().ok()?, rest, value.as_str()))
        })
    }
}

fn decoded(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}
