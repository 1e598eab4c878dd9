//! DescribeImages' filters. All filters must match; a filter matches if one of its values does.

use std::collections::HashSet;

use super::wildcard::Wildcard;
use crate::request::Parameters;
use crate::service::ServiceError;
use crate::world::Image;

const MOST_FILTERS: usize = 50;
const MOST_VALUES: usize = 200;

#[derive(Debug)]
pub struct Filter {
    field: Field,
    exact: HashSet<String>,
    wildcards: Vec<Wildcard>,
}

#[derive(Debug)]
enum Field {
    Tag(String),
    TagKey,
    Text(fn(&Image) -> Option<&str>),
    Flag(fn(&Image) -> Option<bool>),
}

impl Filter {
    pub fn all(parameters: &Parameters) -> Result<Vec<Self>, ServiceError> {
        let numbers = parameters.numbers("Filter");
        if numbers.len() > MOST_FILTERS {
            let message = format!("The maximum number of filters specified on a single call is {MOST_FILTERS}");
            return Err(ServiceError::new(400, "FilterLimitExceeded", message));
        }
        numbers.into_iter().map(|number| Self::numbered(parameters, number)).collect()
    }

    fn numbered(parameters: &Parameters, number: usize) -> Result<Self, ServiceError> {
        let name = parameters.get(&format!("Filter.{number}.Name"));
        let name = name.ok_or_else(|| {
            ServiceError::new(400, "MissingParameter", "The request must contain the parameter Filter.Name")
        })?;
        let values = parameters.list(&format!("Filter.{number}.Value"));
        if values.is_empty() {
            let message = format!("The filter '{name}' must have at least one value");
            return Err(ServiceError::new(400, "InvalidParameterValue", message));
        }
        if values.len() > MOST_VALUES {
            let message = format!("The maximum number of filter values specified on a single call is {MOST_VALUES}");
            return Err(ServiceError::new(400, "FilterLimitExceeded", message));
        }
        let mut filter = Self { field: Field::named(name)?, exact: HashSet::new(), wildcards: Vec::new() };
        for value in values {
            match Wildcard::parse(value) {
                Some(wildcard) => filter.wildcards.push(wildcard),
                None => drop(filter.exact.insert(value.to_owned())),
            }
        }
        Ok(filter)
    }

    pub fn matches(&self, image: &Image) -> bool {
        match &self.field {
            Field::Tag(key) => image.tags.iter().any(|tag| tag.key == *key && self.accepts(&tag.value)),
            Field::TagKey => image.tags.iter().any(|tag| self.accepts(&tag.key)),
            Field::Text(text) => text(image).is_some_and(|value| self.accepts(value)),
            Field::Flag(flag) => flag(image).is_some_and(|value| self.accepts(if value { "true" } else { "false" })),
        }
    }

    fn accepts(&self, value: &str) -> bool {
        self.exact.contains(value) || self.wildcards.iter().any(|wildcard| wildcard.matches(value))
    }
}

impl Field {
    fn named(name: &str) -> Result<Self, ServiceError> {
        if let Some(key) = name.strip_prefix("tag:") {
            return Ok(Self::Tag(key.to_owned()));
        }
        Ok(match name {
            "tag-key" => Self::TagKey,
            "architecture" => Self::Text(|image| image.architecture.as_deref()),
            "creation-date" => Self::Text(|image| image.creation_date.as_deref()),
            "description" => Self::Text(|image| image.description.as_deref()),
            "hypervisor" => Self::Text(|image| image.hypervisor.as_deref()),
            "image-id" => Self::Text(|image| Some(&image.ami_id)),
            "image-type" => Self::Text(|image| image.image_type.as_deref()),
            "manifest-location" => Self::Text(|image| image.location.as_deref()),
            "name" => Self::Text(|image| image.name.as_deref()),
            "owner-alias" => Self::Text(|image| image.owner_alias.as_deref()),
            "owner-id" => Self::Text(|image| image.owner_id.as_deref()),
            "platform" => Self::Text(|image| image.platform.as_deref()),
            "root-device-name" => Self::Text(|image| image.root_device_name.as_deref()),
            "root-device-type" => Self::Text(|image| image.root_device_type.as_deref()),
            "state" => Self::Text(|image| image.state.as_deref()),
            "state-reason-code" => Self::Text(|image| image.state_reason.as_ref()?.code.as_deref()),
            "state-reason-message" => Self::Text(|image| image.state_reason.as_ref()?.message.as_deref()),
            "virtualization-type" => Self::Text(|image| image.virtualization_type.as_deref()),
            "ena-support" => Self::Flag(|image| image.ena_support),
            "is-public" => Self::Flag(|image| image.is_public),
            _ => {
                return Err(ServiceError::new(400, "InvalidParameterValue", format!("The filter '{name}' is invalid")));
            }
        })
    }
}
