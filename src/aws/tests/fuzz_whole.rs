//! Any bytes of a reply, most of them like AWS's own, in front of the SDK: only whole replies pass. This costs little, so it gets many inputs.

use super::known::{BUILD, DENIED, EVENTS, NO_STACK, ONE_AMI, RESOURCE, STACKS};
use super::replies::FOREIGN;
use super::xml::read;
use crate::aws::whole_reply::check;
use crate::tests::fuzz::hold_many;
use crate::tests::text::varied;
use proptest::prelude::*;
use serde::de::IgnoredAny;

const OF_AWS: [&str; 7] = [BUILD, DENIED, EVENTS, NO_STACK, ONE_AMI, RESOURCE, STACKS];

/// How many replies are made of one.
const EACH: u64 = 50;

#[test]
#[ignore = "tests/fuzz runs it in a process of its own"]
fn only_a_whole_reply_passes() {
    let known: Vec<&str> = OF_AWS.into_iter().chain(FOREIGN.into_iter().map(|(_, body)| body)).collect();
    let inputs = (proptest::sample::select(known), any::<u64>(), any::<bool>());
    hold_many("whole", EACH, &inputs, |(known, seed, is_success)| {
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..EACH {
            let body = any_body(known.as_bytes(), &mut random);
            if check(&body, is_success).is_err() {
                continue;
            }
            let text = body.trim_ascii();
            let is_whole = match text.first() {
                None => !is_success,
                Some(b'<') if !is_success && text.get(1).is_some_and(|letter| b"!Hh".contains(letter)) => true,
                Some(b'<') => read(text).is_some(),
                Some(b'{') => serde_json::from_slice::<IgnoredAny>(text).is_ok(),
                Some(_) => true,
            };
            prop_assert!(is_whole, "this passes: {}", body.escape_ascii());
        }
        Ok(())
    });
}

/// A reply like `known`, or any bytes after its first one.
fn any_body(known: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    if random.u8(..8) > 0 {
        return varied(known, random);
    }
    let first = known.iter().copied().take(random.usize(..2));
    let length = random.usize(..64);
    let rest: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(length).collect();
    first.chain(rest).collect()
}
