//! Checks a value against an OpenAPI schema, as far as the CRD uses it. Rules in CEL are not checked: only users could break
//! them.

use crate::api_server::refusal::FieldError;
use jiff::Timestamp;
use regex_lite::Regex;
use serde_json::Value;

pub(super) fn check(schema: &Value, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let mut error = |reason, message: String| errors.push(FieldError { field: path.to_owned(), reason, message });
    let wrong_type = |wanted: &str| {
        format!("Invalid value: {:?}: {path} in body must be of type {wanted}: {:?}", type_of(value), type_of(value))
    };
    match schema["type"].as_str().unwrap_or_default() {
        "object" => match value.as_object() {
            Some(object) => {
                for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    if !object.contains_key(name) {
                        let field = child(path, name);
                        errors.push(FieldError {
                            field,
                            reason: "FieldValueRequired",
                            message: "Required value".to_owned(),
                        });
                    }
                }
                for (name, value) in object.iter().filter(|(name, _)| *name != "metadata") {
                    check(&schema["properties"][name], value, &child(path, name), errors);
                }
            }
            None => error("FieldValueTypeInvalid", wrong_type("object")),
        },
        "array" => match value.as_array() {
            Some(items) => {
                check_unique(schema, items, path, errors);
                for (index, item) in items.iter().enumerate() {
                    check(&schema["items"], item, &format!("{path}[{index}]"), errors);
                }
            }
            None => error("FieldValueTypeInvalid", wrong_type("array")),
        },
        "string" => match value.as_str() {
            Some(text) => check_text(schema, text, path, errors),
            None => error("FieldValueTypeInvalid", wrong_type("string")),
        },
        "integer" => match value.as_i64() {
            Some(number) if schema["minimum"].as_f64().is_some_and(|least| (number as f64) < least) => {
                error(
                    "FieldValueInvalid",
                    format!("Invalid value: {number}: {path} in body should be greater than or equal to 0"),
                );
            }
            Some(_) => {}
            None => error("FieldValueTypeInvalid", wrong_type("integer")),
        },
        "boolean" if !value.is_boolean() => error("FieldValueTypeInvalid", wrong_type("boolean")),
        _ => {}
    }
}

fn check_text(schema: &Value, text: &str, path: &str, errors: &mut Vec<FieldError>) {
    let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
    let mut error = |reason, message: String| errors.push(FieldError { field: path.to_owned(), reason, message });
    if let Some(most) = schema["maxLength"].as_u64().filter(|most| length > *most) {
        error("FieldValueTooLong", format!("Too long: may not be more than {most} bytes"));
    }
    if let Some(least) = schema["minLength"].as_u64().filter(|least| length < *least) {
        error(
            "FieldValueInvalid",
            format!("Invalid value: {text:?}: {path} in body should be at least {least} chars long"),
        );
    }
    let pattern = schema["pattern"].as_str();
    if let Some(pattern) = pattern.filter(|pattern| !Regex::new(pattern).is_ok_and(|regex| regex.is_match(text))) {
        error("FieldValueInvalid", format!("Invalid value: {text:?}: {path} in body should match '{pattern}'"));
    }
    if let Some(allowed) = schema["enum"].as_array().filter(|allowed| !allowed.contains(&Value::from(text))) {
        let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        error(
            "FieldValueNotSupported",
            format!("Unsupported value: {text:?}: supported values: {}", allowed.join(", ")),
        );
    }
    if schema["format"] == "date-time" && text.parse::<Timestamp>().is_err() {
        error(
            "FieldValueInvalid",
            format!("Invalid value: {text:?}: {path} in body must be of type date-time: {text:?}"),
        );
    }
}

/// The keys of a list's items must differ.
fn check_unique(schema: &Value, items: &[Value], path: &str, errors: &mut Vec<FieldError>) {
    let Some(key) = schema["x-kubernetes-list-map-keys"][0].as_str() else { return };
    for (index, item) in items.iter().enumerate() {
        if items.iter().take(index).any(|other| other[key] == item[key]) {
            let message = format!("Duplicate value: {{{key:?}:{}}}", item[key]);
            errors.push(FieldError { field: format!("{path}[{index}]"), reason: "FieldValueDuplicate", message });
        }
    }
}

fn child(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
