//! The fixes that follow from AWS's words or from their absence: a clock that is off, expired or missing keys, a policy other
//! than the caller's own, and an endpoint that cannot be reached.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The smallest offset that a fix states. AWS accepts requests that are up to five minutes old.
const LEAST: SignedDuration = SignedDuration::from_secs(60);

/// The fix for a signature that is too old or too new. `date` is the `Date` header of the reply.
pub fn of_clock(code: Option<&str>, message: &str, date: Option<&str>, now: Timestamp) -> Option<String> {
    let words = ["Signature expired", "Signature not yet current", "current time is too large"];
    let is_of_clock = words.iter().any(|words| message.contains(words))
        || matches!(code, Some("RequestExpired" | "RequestTimeTooSkewed" | "RequestInTheFuture"));
    if !is_of_clock {
        return None;
    }
    let stated = told_by(message);
    let by_header = || date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()).map(|there| (now, there.timestamp()));
    let off = stated.or_else(by_header).map(|(here, there)| there.duration_since(here));
    match off.filter(|off| off.abs() >= LEAST) {
        Some(off) => {
            let direction = if off.is_positive() { "behind" } else { "ahead of" };
            Some(format!("the node's clock is off by {} ({direction} AWS's): set it with NTP", spoken(off.abs())))
        }
        // AWS answers RequestExpired for expired keys, too.
        None if code == Some("RequestExpired") => None,
        None => Some("the node's clock is off: set it with NTP".to_owned()),
    }
}

/// HERE, the node's time, and THERE, AWS's time, from messages such as
/// `Signature expired: HERE is now earlier than LIMIT (THERE - 5 min.)`.
fn told_by(message: &str) -> Option<(Timestamp, Timestamp)> {
    let here = message.split_whitespace().find_map(compact)?;
    let there = message.split_once('(')?.1.split_whitespace().next().and_then(compact)?;
    Some((here, there))
}

/// Parses a time such as `20261124T100000Z`.
fn compact(text: &str) -> Option<Timestamp> {
    let time = DateTime::strptime("%Y%m%dT%H%M%SZ", text.trim_matches(['.', ',', ';'])).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn spoken(off: SignedDuration) -> String {
    match (off.as_hours(), off.as_mins()) {
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {} min", minutes - hours * 60),
    }
}

/// The fix for expired keys.
pub fn of_end(code: Option<&str>) -> Option<String> {
    let is_over =
        matches!(code, Some("ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "TokenRefreshRequired"));
    is_over.then(|| "renew the credentials at their source; no restart is needed".to_owned())
}

/// The fix if there are no credentials at all.
pub fn of_no_credentials() -> String {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let (id, secret) = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
    match (is_set(id), is_set(secret), is_set("KUBERNETES_SERVICE_HOST")) {
        (true, false, _) => format!("set {secret}, too: it is missing or empty"),
        (false, true, _) => format!("set {id}, too: it is missing or empty"),
        (_, _, true) => format!(
            "give the ServiceAccount a role (chart value aws.roleArn, or an EKS Pod Identity association), or set {id} and {secret} from a Secret (chart value extraEnv)"
        ),
        (_, _, false) => format!("log in (aws sso login), choose a profile (AWS_PROFILE), or set {id} and {secret}"),
    }
}

/// The fix if AWS's endpoint cannot be reached. `configured` is the endpoint that was set in place of AWS's own.
pub fn of_endpoint(configured: Option<&str>) -> String {
    match configured.filter(|url| !url.is_empty()) {
        Some(url) => {
            let shown = without_user(url);
            format!(
                "check AWS_ENDPOINT_URL (chart value aws.endpointUrl), which is {shown}, and that it can be reached from here; it begins with http:// or https://"
            )
        }
        None => "check that AWS can be reached from here (DNS, firewall, NetworkPolicy), or the endpoint that you have set; or set HTTPS_PROXY or AWS_ENDPOINT_URL".to_owned(),
    }
}

/// What is wrong with the endpoints that `variables` set. The SDK would ignore such a one, and ask AWS itself.
pub fn wrong_endpoint(mut variables: impl Iterator<Item = (String, String)>) -> Option<String> {
    let is_wrong = |(name, url): &(String, String)| {
        let names_endpoint = name == "AWS_ENDPOINT_URL" || name.starts_with("AWS_ENDPOINT_URL_");
        names_endpoint && !url.is_empty() && !url.starts_with("http://") && !url.starts_with("https://")
    };
    let (name, url) = variables.find(is_wrong)?;
    Some(format!("{name} is '{}': set a URL that begins with http:// or https://", without_user(&url)))
}

/// A URL without what stands before its host: a user, and perhaps a password.
pub fn without_user(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, host)| host)
}

/// The fix for a refusal that remains whatever the caller's own role allows.
pub fn of_policy(message: &str) -> Option<String> {
    if let Some((_, rest)) = message.split_once("explicit deny") {
        let policy = rest.strip_prefix(" in a").map(|rest| rest.trim_start_matches('n').trim_start());
        let policy = policy.and_then(|rest| rest.split([':', '.', '\n', ';']).next()).unwrap_or("policy").trim();
        let who = match policy {
            "service control policy" | "resource control policy" => {
                "; only the administrators of the AWS organization can remove it"
            }
            _ => "",
        };
        let article = if policy.starts_with(['i', 'o']) { "an" } else { "a" };
        return Some(format!("an explicit deny in {article} {policy}: no permission helps until it is removed{who}"));
    }
    let (_, rest) = message.split_once("because no ")?;
    let (policy, _) = rest.split_once(" allows")?;
    // No fix for the caller's own policy and for a role's trust policy: every user checks these first.
    (!matches!(policy, "identity-based policy" | "resource-based policy"))
        .then(|| format!("allow the action in the {policy}, too: the role's own policy is not enough"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-24T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn the_clocks_offset_comes_from_the_message_or_from_the_date_header() {
        for (code, message, date, expected) in [
            (
                Some("SignatureDoesNotMatch"),
                "Signature expired: 20261124T100000Z is now earlier than 20261124T104000Z (20261124T104500Z - 5 min.)",
                None,
                Some("off by 45 min (behind AWS's)"),
            ),
            (
                Some("InvalidSignatureException"),
                "Signature not yet current: 20261124T123000Z is still later than 20261124T100500Z (20261124T100000Z + 5 min.)",
                None,
                Some("off by 2 h 30 min (ahead of AWS's)"),
            ),
            (
                Some("RequestTimeTooSkewed"),
                "The difference is too large.",
                Some("Tue, 24 Nov 2026 10:20:00 GMT"),
                Some("off by 20 min"),
            ),
            (
                Some("RequestExpired"),
                "Request has expired.",
                Some("Tue, 24 Nov 2026 09:00:00 GMT"),
                Some("off by 1 h 0 min"),
            ),
            (Some("RequestExpired"), "Request has expired.", Some("Tue, 24 Nov 2026 10:00:09 GMT"), None),
            (Some("RequestTimeTooSkewed"), "Too large.", None, Some("clock is off")),
            (Some("AuthFailure"), "AWS was not able to validate", Some("Tue, 24 Nov 2026 09:00:00 GMT"), None),
        ] {
            let fix = of_clock(code, message, date, now());
            let is_right = match expected {
                Some(words) => fix.as_deref().is_some_and(|fix| fix.contains(words)),
                None => fix.is_none(),
            };
            assert!(is_right, "{message}: {fix:?}");
        }
    }

    #[test]
    fn an_endpoint_that_is_no_url_is_told_without_its_password() {
        let told = |name: &str, url: &str| wrong_endpoint([(name.to_owned(), url.to_owned())].into_iter());
        let said = told("AWS_ENDPOINT_URL_EC2", "me:hush@10.0.0.1:4566").unwrap();
        assert!(said.contains("AWS_ENDPOINT_URL_EC2 is '10.0.0.1:4566'") && said.contains("http://"), "{said}");
        assert!(told("AWS_ENDPOINT_URL", "127.0.0.1:4566").is_some());
        for (name, url) in [("AWS_ENDPOINT_URL", "http://a:1"), ("AWS_ENDPOINT_URL", ""), ("OTHER", "127.0.0.1:1")] {
            assert_eq!(told(name, url), None, "{name} {url}");
        }
    }

    #[test]
    fn the_fix_names_a_policy_other_than_the_callers_own() {
        let who = "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: ec2:DescribeImages";
        for (words, expected) in [
            ("with an explicit deny in a service control policy", Some("an explicit deny in a service control policy")),
            (
                "with an explicit deny in a service control policy: arn:aws:organizations::1:policy/p",
                Some("AWS organization"),
            ),
            ("with an explicit deny in an identity-based policy", Some("an explicit deny in an identity-based policy")),
            (
                "because no permissions boundary allows the ec2:DescribeImages action",
                Some("in the permissions boundary, too"),
            ),
            ("because no VPC endpoint policy allows the ec2:DescribeImages action", Some("in the VPC endpoint policy")),
            ("because no identity-based policy allows the ec2:DescribeImages action", None),
            ("with an explicit deny", Some("an explicit deny in a policy")),
            ("", None),
        ] {
            let fix = of_policy(&format!("{who} {words}"));
            let is_right = match expected {
                Some(words) => fix.as_deref().is_some_and(|fix| fix.contains(words)),
                None => fix.is_none(),
            };
            assert!(is_right, "{words}: {fix:?}");
        }
    }
}
