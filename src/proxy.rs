//! HTTP proxies: which one a connection uses, and why a proxy refuses. Nothing here knows AWS or Kubernetes.

use base64::Engine;
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use ipnet::IpNet;
use percent_encoding::percent_decode_str;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SLOW: &str = "it does not answer";

/// The timeout of a proxy, for the connection and again for its answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// An HTTP proxy. `Debug` and `Display` leave out its user and password.
#[derive(Clone)]
pub struct Proxy {
    uri: Uri,
    /// `USER:PASSWORD`, without the URL's percent-encoding.
    user: Option<Vec<u8>>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// The URL without user and password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, host) = (self.uri.scheme_str().unwrap_or("http"), self.uri.host().unwrap_or_default());
        write!(f, "{scheme}://{host}:{}", self.port())
    }
}

/// Why a proxy does not connect: the message with the proxy's own words, and the fix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({fix})")]
pub struct ProxyRefused {
    pub message: String,
    pub fix: String,
    /// The proxy has not answered in time. It may answer later.
    pub is_slow: bool,
}

impl Proxy {
    /// Parses a URL as users write it. Without a scheme, it is an HTTP proxy.
    ///
    /// # Errors
    /// If it is not a URL with a host.
    pub fn parse(url: &str) -> Result<Self, String> {
        let full = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let invalid = || "is not the URL of a proxy, such as http://proxy.example.com:3128".to_owned();
        let uri: Uri = full.parse().map_err(|_| invalid())?;
        let authority = uri.authority().ok_or_else(invalid)?;
        let user = authority.as_str().rsplit_once('@').map(|(user, _)| percent_decode_str(user).collect());
        Ok(Self { uri, user })
    }

    /// The proxy that the AWS SDK uses for `destination`, from the environment. `None` if it uses none.
    #[must_use]
    pub fn of_environment(destination: &Uri) -> Option<Self> {
        let intercept = Matcher::from_env().intercept(destination)?;
        let basic = intercept.basic_auth().and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
        let user = basic.and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
        Some(Self { uri: intercept.uri().clone(), user })
    }

    /// The proxy that kubectl uses for the API server `server`, from the environment. `None` if it uses none.
    ///
    /// # Errors
    /// If the variable is not the URL of a proxy.
    pub fn of_api_server(server: &Uri) -> Result<Option<Self>, String> {
        let variable = |names: [&'static str; 2]| {
            names.into_iter().find_map(|name| Some((name, std::env::var(name).ok().filter(|text| !text.is_empty())?)))
        };
        let names = if server.scheme_str() == Some("http") {
            ["HTTP_PROXY", "http_proxy"]
        } else {
            ["HTTPS_PROXY", "https_proxy"]
        };
        let Some((name, url)) = variable(names) else { return Ok(None) };
        let exceptions = variable(["NO_PROXY", "no_proxy"]).map(|(_, text)| text).unwrap_or_default();
        if is_excepted(server, &exceptions) {
            return Ok(None);
        }
        Self::parse(&url).map(Some).map_err(|problem| format!("{name} {problem}"))
    }

    /// The URL with user and password, for the connection.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The value of the header `Proxy-Authorization`, `None` without a user.
    #[must_use]
    pub fn authorization(&self) -> Option<String> {
        let user = self.user.as_ref()?;
        Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(user)))
    }

    /// The error if the proxy itself answered a request to `destination` with this status.
    #[must_use]
    pub fn answered(&self, destination: &Uri, status: &str) -> ProxyRefused {
        let fix = match status.split_whitespace().next() {
            Some("407") => {
                "its user and password are missing or wrong: write the proxy's URL as http://USER:PASSWORD@HOST:PORT"
            }
            Some("502" | "503" | "504") => {
                "the proxy cannot reach the host: check its DNS and routes, or name the host in NO_PROXY"
            }
            _ => "let the proxy allow the host, or name the host in NO_PROXY",
        };
        let message = format!("the proxy {self} refused a connection to {}: HTTP {status}", host_of(destination));
        ProxyRefused { message, fix: fix.to_owned(), is_slow: false }
    }

    fn port(&self) -> u16 {
        self.uri.port_u16().unwrap_or(if self.uri.scheme_str() == Some("https") { 443 } else { 80 })
    }

    /// Asks the proxy for a tunnel to `destination`. Returns its refusal, `None` if it accepts. An HTTPS proxy is not
    /// asked. For a destination without TLS, it only connects to the proxy.
    pub async fn refusal(&self, destination: &Uri) -> Option<ProxyRefused> {
        let host = host_of(destination);
        let failed = |why: &str, fix: &str| {
            let message = format!("the proxy {self} cannot be reached for {host}: {why}");
            Some(ProxyRefused { message, fix: fix.to_owned(), is_slow: why == SLOW })
        };
        match self.uri.scheme_str() {
            Some("http") => {}
            Some("https") => return None,
            _ => {
                return failed(
                    "it is not an HTTP proxy",
                    "use an http:// or https:// URL: no other kind of proxy is supported here",
                );
            }
        }
        let correct = "correct the proxy's URL (HTTPS_PROXY; proxy-url of a kubeconfig), or name the host in NO_PROXY";
        let at = (self.uri.host()?.trim_matches(['[', ']']).to_owned(), self.port());
        let connecting = tokio::time::timeout(PATIENCE, TcpStream::connect(at)).await;
        let mut stream = match connecting {
            Err(_) => return failed(SLOW, correct),
            Ok(Err(error)) => return failed(&error.to_string(), correct),
            Ok(Ok(stream)) => stream,
        };
        if destination.scheme_str() == Some("http") {
            return None;
        }
        let authorization =
            self.authorization().map(|value| format!("Proxy-Authorization: {value}\r\n")).unwrap_or_default();
        let request = format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n{authorization}\r\n");
        let answer = tokio::time::timeout(PATIENCE, ask(&mut stream, &request)).await;
        let line = match answer {
            Err(_) => return failed(SLOW, correct),
            Ok(Err(error)) => return failed(&error.to_string(), correct),
            Ok(Ok(line)) => line,
        };
        let status = line.split_once(' ').map_or("reply without a status", |(_, status)| status);
        (!status.starts_with("200")).then(|| self.answered(destination, status))
    }
}

/// `HOST:PORT` of the destination.
fn host_of(destination: &Uri) -> String {
    let port = destination.port_u16().unwrap_or(if destination.scheme_str() == Some("http") { 80 } else { 443 });
    format!("{}:{port}", destination.host().unwrap_or_default())
}

/// Sends `request` and returns the first line of the answer, at most 120 characters.
async fn ask(stream: &mut TcpStream, request: &str) -> std::io::Result<String> {
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    let mut part = [0; 512];
    while !answer.contains(&b'\n') && answer.len() < 4096 {
        match stream.read(&mut part).await? {
            0 if answer.is_empty() => return Err(std::io::Error::other("it closed the connection")),
            0 => break,
            length => answer.extend_from_slice(part.get(..length).unwrap_or_default()),
        }
    }
    let text = String::from_utf8_lossy(&answer);
    let line = text.lines().next().unwrap_or_default().trim();
    Ok(line.chars().filter(|c| !c.is_control()).take(120).collect())
}

/// Whether NO_PROXY excepts the server, by Go's rules, because kubectl uses them. An entry is a name with or without a
/// leading dot or star, an address or a network, each with an optional port. Localhost never goes through a proxy.
fn is_excepted(server: &Uri, exceptions: &str) -> bool {
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']).to_lowercase();
    let port = server.port_u16().unwrap_or(if server.scheme_str() == Some("http") { 80 } else { 443 });
    let address: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    exceptions.split(',').map(|entry| entry.trim().to_lowercase()).filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        let (name, its_port) = with_port(&entry);
        if its_port.is_some_and(|its_port| its_port != port) {
            return false;
        }
        match address {
            Some(address) => is_in(address, name),
            None => {
                let name = name.strip_prefix('*').unwrap_or(name);
                let suffix = if name.starts_with('.') { name.to_owned() } else { format!(".{name}") };
                host.ends_with(&suffix) || (!name.starts_with('.') && host == name)
            }
        }
    })
}

/// Splits `HOST:PORT`. An IPv6 address without brackets has no port.
fn with_port(entry: &str) -> (&str, Option<u16>) {
    match entry.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => match port.parse() {
            Ok(port) => (name.trim_matches(['[', ']']), Some(port)),
            Err(_) => (entry.trim_matches(['[', ']']), None),
        },
        _ => (entry.trim_matches(['[', ']']), None),
    }
}

/// Whether `network`, an address or a CIDR block, contains `address`.
fn is_in(address: IpAddr, network: &str) -> bool {
    let network = network.parse::<IpNet>().or_else(|_| network.parse::<IpAddr>().map(IpNet::from));
    network.is_ok_and(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excepted(server: &str, exceptions: &str) -> bool {
        is_excepted(&server.parse().unwrap(), exceptions)
    }

    #[test]
    fn no_proxy_is_read_as_kubectl_reads_it() {
        let server = "https://api.hpc.example.com:6443";
        for exceptions in [
            "example.com",
            ".example.com",
            "*.example.com",
            "api.hpc.example.com",
            "API.hpc.EXAMPLE.com:6443",
            "a, *",
            "x,,example.com,",
        ] {
            assert!(excepted(server, exceptions), "{exceptions}");
        }
        for exceptions in ["", ",", "ample.com", "api.hpc.example.com:443", ".api.hpc.example.com", "10.0.0.0/8"] {
            assert!(!excepted(server, exceptions), "{exceptions}");
        }
    }

    #[test]
    fn an_address_is_excepted_by_itself_and_by_its_network() {
        for (server, exceptions, expected) in [
            ("https://10.1.2.3:6443", "10.0.0.0/8", true),
            ("https://10.1.2.3:6443", "10.1.2.3", true),
            ("https://10.1.2.3:6443", "10.1.2.3:6443", true),
            ("https://10.1.2.3:6443", "10.1.2.3:443", false),
            ("https://11.1.2.3:6443", "10.0.0.0/8", false),
            ("https://11.1.2.3:6443", "0.0.0.0/0", true),
            ("https://[fd00::1]:6443", "fd00::/8", true),
            ("https://[fd00::1]:6443", "[fd00::1]:6443", true),
            ("https://[fe00::1]:6443", "fd00::/8", false),
            ("https://127.0.0.1:6443", "", true),
            ("https://localhost:6443", "", true),
            ("https://[::1]:6443", "", true),
        ] {
            assert_eq!(excepted(server, exceptions), expected, "{server} {exceptions}");
        }
    }

    #[test]
    fn the_password_is_in_the_authorization_but_not_in_the_text() {
        let proxy = Proxy::parse("http://hpc:p%40ss@proxy.example.com:3128").unwrap();
        assert_eq!(format!("{proxy} {proxy:?}"), "http://proxy.example.com:3128 Proxy(http://proxy.example.com:3128)");
        let encoded = base64::engine::general_purpose::STANDARD.encode("hpc:p@ss");
        assert_eq!(proxy.authorization(), Some(format!("Basic {encoded}")));
        assert_eq!(Proxy::parse("proxy.example.com:3128").unwrap().to_string(), "http://proxy.example.com:3128");
        assert!(Proxy::parse("http://").is_err());
    }
}
