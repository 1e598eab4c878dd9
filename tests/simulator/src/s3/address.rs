//! The bucket and the key of a request. The bucket is in the path, or in the host: `BUCKET.localhost` or
//! `BUCKET.s3.REGION.amazonaws.com`.

use percent_encoding::percent_decode_str;

use crate::request::Request;

#[derive(Debug, PartialEq, Eq)]
pub struct Address {
    /// Empty if the request names no bucket.
    pub bucket: String,
    pub key: Option<String>,
}

impl Address {
    pub fn of(request: &Request) -> Self {
        Self::read(request.header("host").unwrap_or_default(), &request.path)
    }

    fn read(host: &str, path: &str) -> Self {
        let path = path.strip_prefix('/').unwrap_or(path);
        let (bucket, key) = match bucket_of_host(host) {
            Some(bucket) => (bucket, path),
            None => path.split_once('/').unwrap_or((path, "")),
        };
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        Self { bucket: decoded(bucket), key: (!key.is_empty()).then(|| decoded(key)) }
    }
}

fn bucket_of_host(host: &str) -> Option<&str> {
    let name = host.rsplit_once(':').map_or(host, |(name, _port)| name);
    if let Some(bucket) = name.strip_suffix(".localhost") {
        return Some(bucket);
    }
    let service = name.find(".s3.").or_else(|| name.find(".s3-"))?;
    name.contains(".amazonaws.com").then(|| &name[..service])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(bucket: &str, key: Option<&str>) -> Address {
        Address { bucket: bucket.into(), key: key.map(str::to_owned) }
    }

    #[test]
    fn the_bucket_is_in_the_path_or_in_the_host() {
        assert_eq!(Address::read("127.0.0.1:4566", "/b/dir/a%20b"), address("b", Some("dir/a b")));
        assert_eq!(Address::read("localhost:4566", "/b"), address("b", None));
        assert_eq!(Address::read("my.b.localhost:4566", "/dir/x"), address("my.b", Some("dir/x")));
        assert_eq!(Address::read("b.s3.eu-west-1.amazonaws.com", "/"), address("b", None));
        assert_eq!(Address::read("[::1]:4566", "/b/"), address("b", None));
    }
}
