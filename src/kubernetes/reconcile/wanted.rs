//! The first step: what an object wants. Pure.

use crate::describe_image::source_error::{SourceError, SourceErrorKind};
use crate::describe_image::{ImageId, ImageRef, Region, Scope};
use crate::kubernetes::custom_image::{CustomImage, CustomImageStatus, REQUESTED_AT};
use crate::kubernetes::identities::grants::{Access, Identities, name_of};
use crate::kubernetes::identities::namespaces::NamespaceLabels;
use crate::kubernetes::status::transition::Note;
use kube::ResourceExt;
use std::collections::BTreeSet;

/// What an object wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// This image.
    Image(ImageRef),
    /// Something that the operator refuses to read from AWS: it is invalid or not allowed.
    Refused(SourceError),
    /// It is not known yet whether the object may use its identity.
    Undecided(SourceError),
    /// Nothing, while it is suspended. The image that it would want, if that is valid and allowed, still has an account.
    Suspended(Option<ImageRef>),
}

impl Wanted {
    /// The image of the object, suspended or not. `None` if it has none that the operator may read.
    #[must_use]
    pub fn image(&self) -> Option<&ImageRef> {
        match self {
            Self::Image(image) => Some(image),
            Self::Suspended(image) => image.as_ref(),
            Self::Refused(_) | Self::Undecided(_) => None,
        }
    }

    /// The failures of one scope are written one after the other, at a bounded rate. Refusals by the operator itself have no
    /// scope. They all share one rate, by turns of namespaces, because users can invent any number of names.
    #[must_use]
    pub fn paced_scope(&self, error: &SourceError) -> Option<&Scope> {
        match self {
            Self::Image(image) if error.kind != SourceErrorKind::UnknownRegion => Some(&image.scope),
            Self::Image(_) | Self::Refused(_) | Self::Undecided(_) | Self::Suspended(_) => None,
        }
    }
}

/// What `object` wants. `region` is the object's region, else the operator's. Admission rejects an invalid object, but
/// one that was stored before that rule existed still gets a clear error.
#[must_use]
pub fn wanted(object: &CustomImage, region: &str, identities: &Identities, labels: &NamespaceLabels) -> Wanted {
    match of_spec(object, region, identities, labels) {
        Wanted::Image(image) if object.is_suspended() => Wanted::Suspended(Some(image)),
        _ if object.is_suspended() => Wanted::Suspended(None),
        wanted => wanted,
    }
}

fn of_spec(object: &CustomImage, region: &str, identities: &Identities, labels: &NamespaceLabels) -> Wanted {
    let Ok(parsed) = Region::parse(region) else { return Wanted::Refused(no_region(region)) };
    let namespace = object.namespace().unwrap_or_default();
    let scope = match identities.access(name_of(&object.spec), &namespace, parsed, |namespace| labels.of(namespace)) {
        Access::Granted(scope) => scope,
        Access::Refused(error) => return Wanted::Refused(error),
        Access::Undecided(error) => return Wanted::Undecided(error),
    };
    match ImageId::parse(&object.spec.image_id) {
        Ok(id) => Wanted::Image(ImageRef { scope, id }),
        Err(_) => Wanted::Refused(no_image_id(&object.spec.image_id)),
    }
}

/// How many regions that the SDK does not list a namespace may read. AWS opens a few regions a year.
const MOST_UNLISTED: usize = 3;

/// What an object wants whose region is not listed. `others` are the unlisted regions that its namespace reads already.
#[must_use]
pub fn of_unlisted_region(image: ImageRef, others: &BTreeSet<Region>) -> Wanted {
    let region = &image.scope.region;
    if others.contains(region) || others.len() < MOST_UNLISTED {
        return Wanted::Image(image);
    }
    let others: Vec<_> = others.iter().map(Region::as_str).collect();
    let message = format!(
        "spec.region '{region}' is not in the AWS SDK's list, and this namespace reads as many such regions as it may ({}): create another CustomImage with a region that exists, or delete the CustomImages of one of these regions",
        others.join(", ")
    );
    Wanted::Refused(SourceError::unasked(SourceErrorKind::UnknownRegion, message))
}

/// The region of the object, else that of the operator. Empty if neither names one.
#[must_use]
pub fn region_of(object: &CustomImage, default_region: Option<&Region>) -> String {
    object.spec.region.clone().or_else(|| default_region.map(Region::to_string)).unwrap_or_default()
}

fn no_image_id(image_id: &str) -> SourceError {
    SourceError::unasked(
        SourceErrorKind::InvalidRequest,
        format!(
            "spec.imageId '{image_id}' must be a letter, then letters, digits and hyphens, at most 128: create another CustomImage"
        ),
    )
}

fn no_region(region: &str) -> SourceError {
    let message = match region {
        "" => "the operator has no default region: set spec.region in a new CustomImage, or install the operator with a region".to_owned(),
        _ => format!("spec.region '{region}' is no AWS region, such as eu-west-1: create another CustomImage"),
    };
    SourceError::unasked(SourceErrorKind::UnknownRegion, message)
}

/// The most characters of a request. The status repeats it, and anyone could make it a megabyte.
pub const MOST_REQUEST: usize = 253;

/// The value of the annotation by which a user requests a read. The status repeats it when the read is answered. `None` also
/// if it is too long.
#[must_use]
pub fn requested_at(object: &CustomImage) -> Option<String> {
    request(object).filter(|value| !is_too_long(value)).map(str::to_owned)
}

/// The request that is ignored because it is too long.
#[must_use]
pub fn too_long_request(object: &CustomImage) -> Option<&str> {
    request(object).filter(|value| is_too_long(value))
}

fn request(object: &CustomImage) -> Option<&str> {
    object.metadata.annotations.as_ref()?.get(REQUESTED_AT).map(String::as_str)
}

fn is_too_long(request: &str) -> bool {
    request.chars().nth(MOST_REQUEST).is_some()
}

/// The status to start from, and the Event if it was cleared. A status of another region or account belongs to another
/// image, so it is cleared. The cause is a new default region, or an identity that now belongs to another account.
/// `account_id` is the account that answers, if it is known.
#[must_use]
pub fn of_same_image(
    stored: &CustomImageStatus,
    region: &str,
    account_id: Option<&str>,
) -> (CustomImageStatus, Option<Note>) {
    let cleared = |is_warning: bool, reason: &str, text: String| {
        let last_handled_reconcile_at = stored.last_handled_reconcile_at.clone();
        let cleared = CustomImageStatus { last_handled_reconcile_at, ..CustomImageStatus::default() };
        (cleared, Some(Note { is_warning, reason: reason.to_owned(), text }))
    };
    let is_other = |before: &str, now: &str| !now.is_empty() && before != now;
    match (stored.region.as_deref(), stored.account_id.as_deref(), account_id) {
        (Some(before), _, _) if is_other(before, region) => cleared(
            false,
            "RegionChanged",
            format!("the operator's region changed from {before} to {region}: this is another image"),
        ),
        (_, Some(before), Some(now)) if is_other(before, now) => cleared(
            // It may be a mistake: the keys of another account.
            true,
            "AccountChanged",
            format!("the identity's account changed from {before} to {now}: this is another image"),
        ),
        _ => (stored.clone(), None),
    }
}
