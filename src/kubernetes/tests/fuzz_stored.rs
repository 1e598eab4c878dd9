//! Whatever object the API server stores, the watch reads it, keeps it, or leaves it out, and the others stay.

use super::stored::any_object;
use crate::kubernetes::custom_image::{CustomImage, CustomImageStatus};
use crate::kubernetes::identities::grants::Identities;
use crate::kubernetes::identities::namespaces::NamespaceLabels;
use crate::kubernetes::reconcile::wanted::{Wanted, region_of, wanted};
use crate::kubernetes::watch::readable;
use crate::kubernetes::watch::watched_image::WatchedImage;
use crate::tests::fuzz::hold;
use kube::Resource;
use kube::core::DeserializeGuard;
use kube::runtime::watcher::Event;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use serde_json::Value;

/// The object as kube reads it from the wire.
fn guarded(object: &Value) -> Option<Guarded> {
    serde_json::from_slice(&serde_json::to_vec(object).unwrap()).ok()
}

type Guarded = DeserializeGuard<CustomImage>;

/// How the watch delivers an object.
const EVENTS: [fn(Guarded) -> Event<Guarded>; 3] = [Event::Apply, Event::InitApply, Event::Delete];

#[test]
#[ignore = "tests/fuzz runs it in a process of its own"]
fn any_stored_object_is_kept_as_it_was_read_or_left_out() {
    let inputs = (any_object(), 0..EVENTS.len());
    hold("stored", &inputs, |(object, event)| {
        // The API server checks the metadata of every object.
        let Some(guarded) = guarded(&object) else { return Ok(()) };
        match (guarded.0.clone(), readable(EVENTS[event](guarded.clone()))) {
            (Ok(read), Some(Event::Apply(kept) | Event::InitApply(kept) | Event::Delete(kept))) => {
                is_kept(&read, &kept)?;
                is_decided(&read, &kept.object())
            }
            // Its previous version must not stay in the store.
            (Err(invalid), Some(Event::Delete(gone))) if event != 1 => {
                prop_assert_eq!(&gone.meta().name, &invalid.metadata.name);
                prop_assert_eq!(&gone.meta().namespace, &invalid.metadata.namespace);
                Ok(())
            }
            (Err(_), None) if event == 1 => Ok(()),
            (_, told) => Err(TestCaseError::fail(format!("{told:?}"))),
        }
    });
}

/// What is kept packed is what was read.
fn is_kept(read: &CustomImage, kept: &WatchedImage) -> TestCaseResult {
    let object = kept.object();
    let status = serde_json::to_value(&read.status).unwrap();
    // A year before 0 is read, and written in another form. Such a status counts as missing, and is replaced.
    let is_readable = serde_json::from_value::<Option<CustomImageStatus>>(status.clone()).is_ok();
    prop_assert_eq!(serde_json::to_value(&object.status).unwrap(), if is_readable { status } else { Value::Null });
    prop_assert_eq!(&WatchedImage::from(object.clone()).object(), &object);
    prop_assert_eq!(kept.reference().name, read.metadata.name.clone().unwrap_or_default());
    Ok(())
}

/// Only a valid image is read from AWS, and the texts of a refusal are short.
fn is_decided(read: &CustomImage, kept: &CustomImage) -> TestCaseResult {
    let wants = |object: &CustomImage| {
        wanted(object, &region_of(object, None), &Identities::new([]), &NamespaceLabels::default())
    };
    match wants(kept) {
        Wanted::Image(image) | Wanted::Suspended(Some(image)) => {
            prop_assert_eq!(image.id.as_str(), &read.spec.image_id);
            prop_assert_eq!(Some(image.scope.region.as_str()), read.spec.region.as_deref());
        }
        Wanted::Refused(error) | Wanted::Undecided(error) => prop_assert!(error.message.len() <= 4096),
        Wanted::Suspended(None) => {}
    }
    // What is cut is too long to be valid, cut or not.
    let is_image = |wanted: Wanted| matches!(wanted, Wanted::Image(_) | Wanted::Suspended(Some(_)));
    prop_assert_eq!(is_image(wants(read)), is_image(wants(kept)));
    Ok(())
}
