//! The JSON input of an operation, checked as AWS does.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::invalid;
use crate::dispatch::Ask;
use crate::service::ServiceError;

pub struct Input(Map<String, Value>);

impl Input {
    pub fn of(ask: &Ask) -> Result<Self, ServiceError> {
        let body = ask.request.body.trim_ascii();
        if body.is_empty() {
            return Ok(Self(Map::new()));
        }
        serde_json::from_slice(body).map(Self).map_err(|_| serialization("Could not parse the request body"))
    }

    /// A member that is `null` counts as absent.
    fn member(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub fn text(&self, name: &str) -> Result<Option<&str>, ServiceError> {
        let wrong = || serialization(&format!("{name} is not a string"));
        self.member(name).map(|value| value.as_str().ok_or_else(wrong)).transpose()
    }

    pub fn required(&self, name: &str) -> Result<&str, ServiceError> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| broken("null", name, "Member must not be null"))
    }

    pub fn flag(&self, name: &str) -> Result<bool, ServiceError> {
        let wrong = || serialization(&format!("{name} is not a boolean"));
        self.member(name).map_or(Ok(false), |value| value.as_bool().ok_or_else(wrong))
    }

    pub fn number(&self, name: &str, allowed: RangeInclusive<u64>) -> Result<Option<u64>, ServiceError> {
        let Some(value) = self.member(name) else {
            return Ok(None);
        };
        let written = format!("'{value}'");
        match value.as_u64() {
            Some(number) if allowed.contains(&number) => Ok(Some(number)),
            Some(number) if number > *allowed.end() => {
                Err(broken(&written, name, &format!("Member must have value less than or equal to {}", allowed.end())))
            }
            None if value.as_i64().is_none() => Err(serialization(&format!("{name} is not a whole number"))),
            _ => Err(broken(
                &written,
                name,
                &format!("Member must have value greater than or equal to {}", allowed.start()),
            )),
        }
    }

    /// The size of a page: 1 to `most`, which is also the default.
    pub fn size(&self, name: &str, most: usize) -> Result<usize, ServiceError> {
        let size = self.number(name, 1..=most as u64)?;
        Ok(size.and_then(|size| usize::try_from(size).ok()).unwrap_or(most))
    }
}

fn broken(value: &str, name: &str, rule: &str) -> ServiceError {
    invalid(format!("1 validation error detected: Value {value} at '{name}' failed to satisfy constraint: {rule}"))
}

fn serialization(message: &str) -> ServiceError {
    ServiceError::new(400, "SerializationException", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_outside_its_range_is_refused_with_the_constraint() {
        let input = |json: &str| Input(serde_json::from_str(json).unwrap());
        let message = |json: &str| input(json).size("limit", 50).unwrap_err().message;
        assert_eq!(input("{}").size("limit", 50).unwrap(), 50);
        assert_eq!(input("{\"limit\": 7}").size("limit", 50).unwrap(), 7);
        let prefix = "1 validation error detected: Value '51' at 'limit' failed to satisfy constraint: ";
        assert_eq!(message("{\"limit\": 51}"), format!("{prefix}Member must have value less than or equal to 50"));
        assert!(message("{\"limit\": 0}").ends_with("greater than or equal to 1"));
        assert!(message("{\"limit\": -1}").ends_with("greater than or equal to 1"));
        assert_eq!(input("{\"limit\": \"x\"}").size("limit", 50).unwrap_err().code, "SerializationException");
    }
}
