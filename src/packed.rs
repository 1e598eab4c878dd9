//! A value kept as compressed JSON, which is a quarter of what its structs and strings take: for what is kept of every image and
//! seldom looked at.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;
use std::sync::Arc;

/// A type does not come out of JSON as it went in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a value that was kept in memory cannot be read again")]
pub struct Unreadable;

/// A `T`; a clone is the same bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Packed<T> {
    bytes: Arc<[u8]>,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Packed<T> {
    fn clone(&self) -> Self {
        Self { bytes: self.bytes.clone(), of: PhantomData }
    }
}

impl<T: Serialize + DeserializeOwned> Packed<T> {
    /// What JSON cannot say is found out when it is unpacked.
    #[must_use]
    pub fn new(value: &T) -> Self {
        let json = serde_json::to_vec(value).unwrap_or_default();
        Self { bytes: lz4_flex::block::compress_prepend_size(&json).into(), of: PhantomData }
    }

    /// # Errors
    /// When the type cannot read what it has written itself.
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
    fn what_is_packed_comes_out_as_it_was_and_takes_less() {
        let tag = |n| Tag { key: format!("parallelcluster:key-{n}"), value: format!("the value of key {n}, \"ü\"") };
        let creation_date = Some("2021-04-12T10:00:00.123456789Z".parse().unwrap());
        let ami = Ami { id: Some("ami-1".into()), creation_date, tags: (0..20).map(tag).collect(), ..Ami::default() };
        let packed = Packed::new(&ami);
        assert_eq!(packed.clone().unpack(), Ok(ami));
        assert!(packed.bytes.len() < 700, "{}", packed.bytes.len());
    }
}
