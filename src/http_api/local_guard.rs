//! Keeps web pages away from a server on a desk. A page in the user's browser can send requests to this machine, also under
//! a name of its own (DNS rebinding). Its requests have a foreign `Host`, an `Origin`, or the `Sec-Fetch-Site` of another
//! site. Programs send none of them.

use super::reply::refusal;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use std::net::IpAddr;

/// Passes a request on if it is for this machine by its own name and comes from no web page.
pub async fn local_only(request: Request, next: Next) -> Response {
    match refused(request.headers(), request.uri()) {
        Some(why) => refusal(StatusCode::FORBIDDEN, why),
        None => next.run(request).await,
    }
}

fn refused(headers: &HeaderMap, uri: &Uri) -> Option<&'static str> {
    if headers.contains_key(header::ORIGIN) {
        return Some("a web page may not ask: the request has an Origin");
    }
    // A browser says where a request comes from; `none` is the user, who typed the URL.
    if headers.get("sec-fetch-site").is_some_and(|site| site != "none") {
        return Some("a web page may not ask: the request has the Sec-Fetch-Site of one");
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    let named = first.and_then(|host| host.to_str().ok()).is_some_and(is_this_machine) && second.is_none();
    let is_absolute = uri.authority().is_some_and(|authority| !is_this_machine(authority.as_str()));
    (!named || is_absolute).then_some("the Host is not this machine: ask http://localhost or http://127.0.0.1")
}

fn is_this_machine(host: &str) -> bool {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let name = match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn refused_from(host: &str, more: Option<(header::HeaderName, &str)>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        if let Some((name, value)) = more {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        refused(&headers, &Uri::from_static("/v3/images/custom")).is_some()
    }

    #[test]
    fn only_the_names_of_this_machine_are_taken() {
        for host in ["localhost", "localhost:8080", "LOCALHOST", "127.0.0.1:1", "127.1.2.3", "[::1]:8080", "[::1]"] {
            assert!(!refused_from(host, None), "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example", "10.0.0.1", "127.0.0.1.evil.example", "", "0.0.0.0", "[::]"]
        {
            assert!(refused_from(host, None), "{host}");
        }
    }

    #[test]
    fn a_web_page_is_refused_also_one_of_this_machine() {
        for origin in ["http://evil.example", "http://localhost:8080", "null"] {
            assert!(refused_from("localhost", Some((header::ORIGIN, origin))), "{origin}");
        }
        let site = || header::HeaderName::from_static("sec-fetch-site");
        for place in ["cross-site", "same-site", "same-origin"] {
            assert!(refused_from("localhost", Some((site(), place))), "{place}: such as the source of an image");
        }
        assert!(!refused_from("localhost", Some((site(), "none"))), "the user typed the URL");
        assert!(refused_from("localhost", Some((header::HOST, "evil.example"))), "a second Host");
        assert!(refused(&HeaderMap::new(), &Uri::from_static("/")).is_some(), "no Host");
    }
}
