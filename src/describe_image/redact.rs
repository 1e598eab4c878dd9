//! What AWS says may carry what not everyone who reads an object may read: the encoded message of a refusal names
//! policies and resources, and a signature error may quote the signed request with its token.

/// Where the words that are for nobody else begin.
const SECRET: [&str; 5] = [
    "encoded authorization failure message",
    "the canonical string",
    "authorization=",
    "authorization:",
    "x-amz-security-token",
];

/// `text` up to the first of them.
#[must_use]
pub fn message(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let begin = SECRET.iter().filter_map(|secret| lower.find(secret)).min();
    match begin.and_then(|begin| text.get(..begin)) {
        Some(public) => format!("{}…", public.trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_messages_and_quoted_requests_are_cut_off() {
        let refused =
            "You are not authorized to perform: ec2:DescribeImages. Encoded authorization failure message: 4GIOHlTk";
        assert_eq!(message(refused), "You are not authorized to perform: ec2:DescribeImages.…");
        let signature = "The signature does not match. The Canonical String for this request should have been 'GET x-amz-security-token:abc'";
        assert_eq!(message(signature), "The signature does not match.…");
        assert_eq!(message("curl failed: authorization: Bearer abc"), "curl failed:…");
        assert_eq!(message("Rate exceeded"), "Rate exceeded");
    }
}
