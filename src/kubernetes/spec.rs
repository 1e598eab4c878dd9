//! What an object asks for, as text for its status and parsed for AWS. Pure.

use super::custom_image::{CustomImage, CustomImageStatus};
use super::transition::Note;
use crate::describe_image::image_id::{ImageId, Region, Scope};
use crate::describe_image::source_error::{SourceError, SourceErrorKind};

/// The annotation by which Flux's tools ask for a look now.
const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";

/// The image that an object asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub image_id: String,
    /// Empty when neither the object nor the operator names one.
    pub region: String,
    /// What to ask AWS for, or why it cannot be asked.
    pub target: Result<(Scope, ImageId), SourceError>,
}

/// Admission refuses what cannot be asked; an object stored before it did still gets a clear answer.
#[must_use]
pub fn wanted(object: &CustomImage, default_region: Option<&Region>) -> Wanted {
    let region = object.spec.region.clone().or_else(|| default_region.map(Region::to_string)).unwrap_or_default();
    let image_id = object.spec.image_id.clone();
    let target = parse_region(&region).and_then(|region| {
        let id = ImageId::parse(&image_id).map_err(|_| {
            refused(SourceErrorKind::InvalidRequest, format!(
                "spec.imageId '{image_id}' must be a letter, then letters, digits and hyphens, at most 128: create another CustomImage"
            ))
        })?;
        Ok((Scope::default_identity(region), id))
    });
    Wanted { image_id, region, target }
}

fn parse_region(region: &str) -> Result<Region, SourceError> {
    Region::parse(region).map_err(|_| {
        refused(SourceErrorKind::UnknownRegion, match region {
            "" => "the operator has no default region: set spec.region in a new CustomImage, or install the operator with a region".to_owned(),
            _ => format!("spec.region '{region}' is no AWS region, such as eu-west-1: create another CustomImage"),
        })
    })
}

fn refused(kind: SourceErrorKind, message: String) -> SourceError {
    SourceError { kind, action: "", message }
}

/// When a look now was asked for and not answered yet, the word to answer with.
#[must_use]
pub fn requested_at(object: &CustomImage) -> Option<String> {
    object.metadata.annotations.as_ref()?.get(REQUESTED_AT).cloned()
}

/// The status to go on from. One of another region is another image's: a new default region clears it.
#[must_use]
pub fn of_same_region(stored: &CustomImageStatus, wanted: &Wanted) -> (CustomImageStatus, Option<Note>) {
    match stored.region.as_deref() {
        Some(region) if region != wanted.region && !wanted.region.is_empty() => {
            let text =
                format!("the operator's region changed from {region} to {}: this is another image", wanted.region);
            let cleared = CustomImageStatus {
                last_handled_reconcile_at: stored.last_handled_reconcile_at.clone(),
                ..CustomImageStatus::default()
            };
            (cleared, Some(Note { is_warning: false, reason: "RegionChanged".to_owned(), text }))
        }
        _ => (stored.clone(), None),
    }
}
