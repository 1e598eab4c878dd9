//! Any value of a flag: it is parsed, or refused in a few words. This costs little, so it gets many inputs.

use super::words::VALUES;
use crate::process::args::value::{address, duration, identity, log_filter, maybe_name, name, namespace, region};
use crate::tests::fuzz::hold_many;
use crate::tests::text::{any_text, varied};
use proptest::prelude::*;
use std::time::Duration;

/// How many values are made of one.
const EACH: u64 = 25;

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

#[test]
#[ignore = "tests/fuzz runs it in a process of its own"]
fn any_value_is_parsed_or_refused_in_a_few_words() {
    let text = prop_oneof![proptest::sample::select(VALUES.as_slice()).prop_map(str::to_owned), any_text()];
    hold_many("values", EACH, &(text, any::<u64>()), |(text, seed)| {
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..EACH {
            is_parsed_or_refused(&String::from_utf8_lossy(&varied(text.as_bytes(), &mut random)))?;
        }
        Ok(())
    });
}

fn is_parsed_or_refused(text: &str) -> Result<(), TestCaseError> {
    let label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let refusals = [
        duration(text).map(|parsed| assert!(!parsed.is_zero() && parsed <= YEAR, "{text:?}")).err(),
        namespace(text).map(|parsed| assert!(parsed.0.is_none_or(|name| name.chars().all(label)), "{text:?}")).err(),
        name(text).map(|parsed| assert!(parsed == text && parsed.len() <= 253, "{text:?}")).err(),
        identity(text).map(|parsed| assert!(parsed == text && parsed.chars().all(label), "{text:?}")).err(),
        region(text).map(|parsed| assert!(parsed.0.is_none_or(|region| region.as_str() == text), "{text:?}")).err(),
        maybe_name(text).err(),
        address(text).err(),
        log_filter(text).err(),
    ];
    for refusal in refusals.into_iter().flatten() {
        prop_assert!(!refusal.is_empty(), "{text:?}");
        // A message may quote the value, with each character escaped.
        prop_assert!(refusal.len() <= 200 + 10 * text.len(), "{text:?}: {refusal}");
    }
    Ok(())
}
