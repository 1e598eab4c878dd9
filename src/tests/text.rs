//! Texts and bytes of chance: odd ones, and changes of valid ones.

use proptest::prelude::*;
use proptest::sample::Index;

/// Texts that programs handle wrongly: empty, long, control characters, direction marks, times and numbers at their ends.
const ODD: [&str; 32] = [
    "",
    " ",
    "\0",
    "\n",
    "\r\n",
    "\t",
    "\u{1b}[2J",
    "\u{7f}",
    "\u{85}",
    "\u{202e}",
    "\u{feff}",
    "\u{fffe}",
    "\u{10ffff}",
    "null",
    "true",
    "~",
    "-1",
    "0",
    "1e999",
    "NaN",
    "18446744073709551616",
    "0000-00-00T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:60Z",
    "-009999-01-02T01:59:59Z",
    "2026-11-24T10:00:00.999999999999Z",
    "2026-11-24T10:00:00+25:59",
    "2026-11-24T10:00:00Z",
    "../../etc",
    "${jndi:x}",
    "%s%n",
    "authorization: Bearer x",
];

/// A text that is odd, long or of any characters.
pub fn any_text() -> BoxedStrategy<String> {
    let long = (any::<char>(), 0..4000_usize).prop_map(|(letter, times)| letter.to_string().repeat(times));
    prop_oneof![
        4 => proptest::sample::select(ODD.as_slice()).prop_map(str::to_owned),
        4 => ".{0,24}",
        4 => "[a-zA-Z0-9:/_ -]{0,40}",
        1 => long,
    ]
    .boxed()
}

/// A change of bytes. The indexes are of any length of bytes.
#[derive(Clone, Debug)]
pub enum Edit {
    Cut(Index),
    Flip(Index, u8),
    Remove(Index, usize),
    Double(Index, usize),
    Insert(Index, Vec<u8>),
}

pub fn any_edit() -> BoxedStrategy<Edit> {
    let at = any::<Index>;
    let piece = prop_oneof![
        any_text().prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 1..4),
        proptest::sample::select(
            ["<", ">", "&", "</", "{", "}", "[", "]", "\"", ":", "- ", "\n", "<!--", "]]>"].as_slice()
        )
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop_oneof![
        1 => at().prop_map(Edit::Cut),
        3 => (at(), 0..8_u8).prop_map(|(at, bit)| Edit::Flip(at, bit)),
        1 => (at(), 1..40_usize).prop_map(|(at, length)| Edit::Remove(at, length)),
        1 => (at(), 1..200_usize).prop_map(|(at, length)| Edit::Double(at, length)),
        1 => (at(), piece).prop_map(|(at, piece)| Edit::Insert(at, piece)),
    ]
    .boxed()
}

/// `bytes` after these edits.
pub fn edited(mut bytes: Vec<u8>, edits: &[Edit]) -> Vec<u8> {
    for edit in edits {
        let at = |index: &Index| index.index(bytes.len() + 1);
        match edit {
            Edit::Cut(index) => bytes.truncate(at(index)),
            Edit::Flip(index, bit) => {
                let at = at(index);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Edit::Remove(index, length) => {
                let at = at(index);
                bytes.drain(at..bytes.len().min(at + length));
            }
            Edit::Double(index, length) => {
                let at = at(index);
                let piece = bytes[at..bytes.len().min(at + length)].to_vec();
                bytes.splice(at..at, piece);
            }
            Edit::Insert(index, piece) => {
                let at = at(index);
                bytes.splice(at..at, piece.iter().copied());
            }
        }
    }
    bytes
}

/// `bytes` with one to three changes. It costs less than to draw edits, and cannot be shrunk.
pub fn varied(bytes: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    const PIECES: [&str; 12] = ["<", ">", "&", "</", "{", "}", "\"", ": ", "\n", "<!--", "\0", "\u{fffe}"];
    let mut bytes = bytes.to_vec();
    for _ in 0..random.usize(1..4) {
        let at = random.usize(0..=bytes.len());
        let end = bytes.len().min(at + random.usize(1..40));
        match random.u8(0..8) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            3 => drop(bytes.splice(at..at, PIECES[random.usize(0..PIECES.len())].bytes())),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.u8(0..8);
                }
            }
        }
    }
    bytes
}
