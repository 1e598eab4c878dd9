//! What an object asks for, as text for its status and parsed for AWS. Pure.

use crate::describe_image::source_error::{SourceError, SourceErrorKind};
use crate::describe_image::{ImageId, Region, Scope};
use crate::kubernetes::custom_image::{CustomImage, CustomImageStatus, REQUESTED_AT};
use crate::kubernetes::identities::grants::Identities;
use crate::kubernetes::identities::namespaces::NamespaceLabels;
use crate::kubernetes::status::transition::Note;

/// The image that an object asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub image_id: String,
    /// Empty when neither the object nor the operator names one.
    pub region: String,
    /// What to ask AWS for, or why it cannot be asked.
    pub target: Result<(Scope, ImageId), SourceError>,
}

/// What an object may ask for beside its own words.
pub struct Asking<'a> {
    pub default_region: Option<&'a Region>,
    pub identities: &'a Identities,
    pub namespaces: &'a NamespaceLabels,
}

/// Admission refuses what cannot be asked; an object stored before it did still gets a clear answer.
#[must_use]
pub fn wanted(object: &CustomImage, asking: &Asking<'_>) -> Wanted {
    let region =
        object.spec.region.clone().or_else(|| asking.default_region.map(Region::to_string)).unwrap_or_default();
    let image_id = object.spec.image_id.clone();
    let target = parse_region(&region).and_then(|region| {
        let scope = asking.identities.scope(object, region, |namespace| asking.namespaces.of(namespace))?;
        Ok((scope, parse_id(&image_id)?))
    });
    Wanted { image_id, region, target }
}

fn parse_id(image_id: &str) -> Result<ImageId, SourceError> {
    ImageId::parse(image_id).map_err(|_| {
        SourceError::unasked(SourceErrorKind::InvalidRequest, format!(
            "spec.imageId '{image_id}' must be a letter, then letters, digits and hyphens, at most 128: create another CustomImage"
        ))
    })
}

fn parse_region(region: &str) -> Result<Region, SourceError> {
    Region::parse(region).map_err(|_| {
        SourceError::unasked(SourceErrorKind::UnknownRegion, match region {
            "" => "the operator has no default region: set spec.region in a new CustomImage, or install the operator with a region".to_owned(),
            _ => format!("spec.region '{region}' is no AWS region, such as eu-west-1: create another CustomImage"),
        })
    })
}

/// When a look now was asked for and not answered yet, the word to answer with.
#[must_use]
pub fn requested_at(object: &CustomImage) -> Option<String> {
    object.metadata.annotations.as_ref()?.get(REQUESTED_AT).cloned()
}

/// The status to go on from. One of another region or account is another image's: a new default region, or an identity
/// that is of another account now, clears it. `account_id` is the account that answers, as far as it is known.
#[must_use]
pub fn of_same_image(
    stored: &CustomImageStatus,
    wanted: &Wanted,
    account_id: Option<&str>,
) -> (CustomImageStatus, Option<Note>) {
    let moved = |reason: &str, text: String| {
        let cleared = CustomImageStatus {
            last_handled_reconcile_at: stored.last_handled_reconcile_at.clone(),
            ..CustomImageStatus::default()
        };
        (cleared, Some(Note { is_warning: false, reason: reason.to_owned(), text }))
    };
    let is_other = |before: &str, now: &str| !now.is_empty() && before != now;
    match (stored.region.as_deref(), stored.account_id.as_deref(), account_id) {
        (Some(region), _, _) if is_other(region, &wanted.region) => moved(
            "RegionChanged",
            format!("the operator's region changed from {region} to {}: this is another image", wanted.region),
        ),
        (_, Some(before), Some(now)) if is_other(before, now) => moved(
            "AccountChanged",
            format!("the identity's account changed from {before} to {now}: this is another image"),
        ),
        _ => (stored.clone(), None),
    }
}
