//! Whatever status is stored, the next one has what AWS answered and nothing else, and it misleads nobody.

use super::answers::{any_outcome, any_time};
use super::stored::any_status;
use crate::describe_image::response::{ImageFields, Tag};
use crate::kubernetes::custom_image::CustomImageStatus;
use crate::kubernetes::reconcile::wanted::of_same_image;
use crate::kubernetes::status::compose::{Next, next, sort};
use crate::kubernetes::status::conditions::{self, find};
use crate::kubernetes::status::moment::{GracePeriods, Moment, Outcome};
use crate::kubernetes::status::transition::notes;
use crate::packed::Packed;
use crate::tests::fuzz::hold;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

const PERIODS: GracePeriods = GracePeriods {
    not_found: SignedDuration::from_hours(2),
    finalizing: SignedDuration::from_mins(30),
    error: SignedDuration::from_mins(5),
    staleness_budget: SignedDuration::from_mins(30),
};

fn moment(previous: &CustomImageStatus, created: Timestamp, now: Timestamp) -> Moment<'_> {
    Moment {
        previous,
        object: "hpc -n images",
        image_id: "hpc",
        region: "eu-west-1",
        account_id: None,
        generation: Some(7),
        created,
        finalizing_seen: now,
        now,
        interval: SignedDuration::from_mins(10),
        periods: &PERIODS,
    }
}

#[test]
#[ignore = "tests/fuzz runs it in a process of its own"]
fn the_next_status_is_right_after_any_stored_one() {
    let inputs = (any_status(), any_outcome(), any_time(), any_time());
    hold("status", &inputs, |(stored, outcome, created, now)| {
        let read = serde_json::from_value::<CustomImageStatus>(stored).ok();
        // The store keeps it packed.
        let Some(mut stored) = read.and_then(|read| Packed::new(&read).unpack().ok()) else { return Ok(()) };
        sort(&mut stored);
        let (previous, moved) = of_same_image(&stored, "eu-west-1", Some("111122223333"));
        let is_of_another = |before: &Option<String>, now: &str| before.as_deref().is_some_and(|before| before != now);
        prop_assert_eq!(
            moved.is_some(),
            is_of_another(&stored.region, "eu-west-1") || is_of_another(&stored.account_id, "111122223333")
        );
        let Next { status, until: _ } = next(&outcome, &moment(&previous, created, now));
        let _ = notes(&previous, &status);
        prop_assert_eq!(status.observed_generation, Some(7));
        has_the_payload_of(&status, &outcome, &previous)?;
        let json = |status: &CustomImageStatus| serde_json::to_value(status).unwrap();
        let unpacked = Packed::new(&status).unpack().map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(json(&unpacked), json(&status));
        if let Outcome::Observed { .. } = outcome {
            has_right_conditions(&status)?;
            let again = next(&outcome, &moment(&status, created, now)).status;
            prop_assert_eq!(json(&again), json(&status), "the same answer changes nothing");
        }
        Ok(())
    });
}

fn has_the_payload_of(status: &CustomImageStatus, outcome: &Outcome, previous: &CustomImageStatus) -> TestCaseResult {
    let Outcome::Observed { response, .. } = outcome else {
        // Without an answer, the last one stays.
        prop_assert_eq!(&status.image, &previous.image);
        prop_assert_eq!(&status.image_configuration, &previous.image_configuration);
        return Ok(());
    };
    let answered = response.as_ref().map(|response| (response.image.clone(), response.image_configuration.clone()));
    let (image, configuration) = answered.unzip();
    prop_assert_eq!(sorted(&status.image), sorted(&image.unwrap_or_default()));
    prop_assert_eq!(&status.image_configuration, &configuration);
    prop_assert_eq!((status.image_id.as_deref(), status.region.as_deref()), (Some("hpc"), Some("eu-west-1")));
    Ok(())
}

/// The order of tags means nothing.
fn sorted(image: &ImageFields) -> ImageFields {
    let sort = |tags: &mut Vec<Tag>| tags.sort();
    let mut image = image.clone();
    image.cloudformation_stack_tags.iter_mut().for_each(sort);
    image.ec2_ami_info.iter_mut().for_each(|ami| sort(&mut ami.tags));
    image
}

/// What the CRD and kstatus need of conditions.
fn has_right_conditions(status: &CustomImageStatus) -> TestCaseResult {
    let has = |type_: &str| find(&status.conditions, type_).is_some();
    let mut types: Vec<_> = status.conditions.iter().map(|condition| condition.type_.as_str()).collect();
    types.sort_unstable();
    prop_assert!(types.windows(2).all(|pair| pair[0] != pair[1]), "a condition is there twice: {types:?}");
    prop_assert!(has(conditions::READY) && has(conditions::SYNCED));
    prop_assert!(!(has(conditions::RECONCILING) && has(conditions::STALLED)));
    let is_ready = find(&status.conditions, conditions::READY).is_some_and(|ready| ready.status == "True");
    prop_assert_eq!(is_ready, !has(conditions::RECONCILING) && !has(conditions::STALLED));
    for condition in &status.conditions {
        prop_assert!(condition.message.chars().count() <= 32_768, "the API server refuses this message");
        prop_assert!(!condition.message.contains(char::is_control), "{:?}", condition.message);
        prop_assert!(matches!(condition.status.as_str(), "True" | "False" | "Unknown"));
        prop_assert_eq!(condition.observed_generation, Some(7));
    }
    Ok(())
}
