//! CloudFormation's constraints on a stack name, and its error message for a violation.

use crate::service::ServiceError;

const PATTERN: &str = "[a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*";

pub fn check(name: &str) -> Result<(), ServiceError> {
    let mut broken = Vec::new();
    if name.is_empty() {
        broken.push("Member must have length greater than or equal to 1".to_owned());
    }
    if !name.starts_with("arn:") && name.chars().count() > 128 {
        broken.push("Member must have length less than or equal to 128".to_owned());
    }
    if !fits_pattern(name) {
        broken.push(format!("Member must satisfy regular expression pattern: {PATTERN}"));
    }
    if broken.is_empty() {
        return Ok(());
    }
    let details: Vec<String> = broken
        .iter()
        .map(|rule| format!("Value '{name}' at 'stackName' failed to satisfy constraint: {rule}"))
        .collect();
    let errors = if broken.len() == 1 { "error" } else { "errors" };
    let message = format!("{} validation {errors} detected: {}", broken.len(), details.join("; "));
    Err(ServiceError::new(400, "ValidationError", message))
}

fn fits_pattern(name: &str) -> bool {
    if let Some(rest) = name.strip_prefix("arn:") {
        return rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-:/._+".contains(&byte));
    }
    name.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_up_to_128_characters_and_arns_are_valid() {
        assert!(check(&"a".repeat(128)).is_ok());
        assert!(check("arn:aws-cn:cloudformation:cn-north-1:111122223333:stack/a/0-1").is_ok());
    }

    #[test]
    fn an_invalid_name_is_refused_with_the_violated_constraint() {
        let message = |name: &str| check(name).unwrap_err().message;
        assert!(message(&"a".repeat(129)).contains("less than or equal to 128"));
        assert!(message("1a").contains("regular expression pattern"));
        assert!(message("a_b").starts_with("1 validation error detected: Value 'a_b' at 'stackName'"));
    }
}
