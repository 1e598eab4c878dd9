//! A DER encoder (ITU-T X.690) with just the types that an X.509 certificate needs. No decoder, and nothing about
//! certificates.

pub const BOOLEAN_TRUE: [u8; 3] = [0x01, 0x01, 0xff];

/// One element: tag, length, content.
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant = &length[length.iter().position(|byte| *byte != 0).unwrap_or(length.len() - 1)..];
    let mut out = vec![tag];
    if content.len() >= 0x80 {
        out.push(0x80 | significant.len() as u8); // at most 8
    }
    out.extend_from_slice(significant);
    out.extend_from_slice(content);
    out
}

pub fn sequence<P: AsRef<[u8]>>(parts: &[P]) -> Vec<u8> {
    element(0x30, &concat(parts))
}

pub fn set<P: AsRef<[u8]>>(parts: &[P]) -> Vec<u8> {
    element(0x31, &concat(parts))
}

/// `[number] EXPLICIT`
pub fn explicit(number: u8, content: &[u8]) -> Vec<u8> {
    element(0xa0 | number, content)
}

/// A non-negative INTEGER from big-endian bytes. The caller passes no unnecessary leading zeros.
pub fn integer(bytes: &[u8]) -> Vec<u8> {
    match bytes.first() {
        Some(first) if *first >= 0x80 => element(0x02, &[&[0], bytes].concat()),
        _ => element(0x02, bytes),
    }
}

pub fn oid(encoded: &[u8]) -> Vec<u8> {
    element(0x06, encoded)
}

pub fn utf8_string(text: &str) -> Vec<u8> {
    element(0x0c, text.as_bytes())
}

/// `text` as in `491231235959Z`.
pub fn utc_time(text: &str) -> Vec<u8> {
    element(0x17, text.as_bytes())
}

pub fn octet_string(content: &[u8]) -> Vec<u8> {
    element(0x04, content)
}

/// A BIT STRING whose last byte leaves `unused` bits unused.
pub fn bit_string(unused: u8, content: &[u8]) -> Vec<u8> {
    element(0x03, &[&[unused], content].concat())
}

fn concat<P: AsRef<[u8]>>(parts: &[P]) -> Vec<u8> {
    parts.iter().flat_map(|part| part.as_ref().iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_up_to_127_take_one_byte_and_longer_lengths_begin_with_their_size() {
        assert_eq!(element(0x04, &[]), [0x04, 0]);
        assert_eq!(element(0x04, &[7; 127])[..3], [0x04, 127, 7]);
        assert_eq!(element(0x04, &[7; 128])[..4], [0x04, 0x81, 128, 7]);
        assert_eq!(element(0x04, &[7; 258])[..5], [0x04, 0x82, 1, 2, 7]);
    }

    #[test]
    fn an_integer_with_the_high_bit_set_stays_positive() {
        assert_eq!(integer(&[0x80]), [0x02, 2, 0, 0x80]);
        assert_eq!(integer(&[0x7f]), [0x02, 1, 0x7f]);
    }
}
