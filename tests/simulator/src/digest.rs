//! Stable generated identifiers: the same parts always give the same digits.

use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Returns `length` hex digits.
pub fn hex(parts: &[&str], length: usize) -> String {
    let mut digits = String::with_capacity(length + 16);
    let mut block = 0_u64;
    while digits.len() < length {
        let mut hasher = DefaultHasher::new();
        (block, parts).hash(&mut hasher);
        let _ = write!(digits, "{:016x}", hasher.finish());
        block += 1;
    }
    digits.truncate(length);
    digits
}

pub fn uuid(parts: &[&str]) -> String {
    let digits = hex(parts, 32);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}
