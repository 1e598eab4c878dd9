//! `Packed`: a value in memory as compressed JSON. It takes a quarter of the memory of its structs and strings. It is
//! for data that the operator keeps for every image and seldom reads.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;
use std::sync::Arc;

/// A value that could not be unpacked, because its type cannot be read from the JSON that it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a value kept in memory could not be unpacked")]
pub struct Unreadable;

/// A packed `T`. Clones share its bytes.
#[derive(Debug)]
pub struct Packed<T> {
    bytes: Arc<[u8]>,
    of: PhantomData<fn() -> T>,
}

impl<T> PartialEq for Packed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<T> Eq for Packed<T> {}

impl<T> Clone for Packed<T> {
    fn clone(&self) -> Self {
        Self { bytes: self.bytes.clone(), of: PhantomData }
    }
}

#[cfg(test)]
impl<T> Packed<T> {
    pub fn shares_memory(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.bytes, &other.bytes)
    }
}

impl<T: Serialize + DeserializeOwned> Packed<T> {
    /// Packs `value`. If JSON cannot represent it, only [`Self::unpack`] fails.
    #[must_use]
    pub fn new(value: &T) -> Self {
        let json = serde_json::to_vec(value).unwrap_or_default();
        Self { bytes: lz4_flex::block::compress_prepend_size(&json).into(), of: PhantomData }
    }

    /// # Errors
    /// If `T` cannot be read from the JSON that it wrote.
    pub fn unpack(&self) -> Result<T, Unreadable> {
        let json = lz4_flex::block::decompress_size_prepended(&self.bytes).map_err(|_| Unreadable)?;
        serde_json::from_slice(&json).map_err(|_| Unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe_image::observation::Ami;
    use crate::describe_image::response::Tag;

    #[test]
    fn a_packed_value_round_trips_and_takes_less_memory() {
        let tag = |n| Tag { key: format!("parallelcluster:key-{n}"), value: format!("the value of key {n}, \"ü\"") };
        let creation_date = Some("2021-04-12T10:00:00.123456789Z".parse().unwrap());
        let ami = Ami { id: Some("ami-1".into()), creation_date, tags: (0..20).map(tag).collect(), ..Ami::default() };
        let packed = Packed::new(&ami);
        assert_eq!(packed.clone().unpack(), Ok(ami));
        assert!(packed.bytes.len() < 700, "{}", packed.bytes.len());
    }
}
