//! `ReplyBytes`: reads replies, and bounds how much memory all replies hold together. A broken endpoint, or somebody who
//! writes many tags, could make a reply of any length.

use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

const MIB: usize = 1024 * 1024;

/// Up to here, a reply is small. All small replies hold at most `SMALL_TOGETHER` bytes.
const SMALL: usize = MIB;
const SMALL_TOGETHER: usize = 8 * MIB;

/// The most bytes of one reply. A thousand AMIs with many tags take about 5 MiB.
const LARGEST: usize = 8 * MIB;

/// How many large replies are read at once. Three of 8 MiB, and 8 MiB of small ones, are 32 MiB.
const LARGE_AT_ONCE: usize = 3;

/// The longest time without a byte of a reply.
const SILENCE: Duration = Duration::from_secs(10);

/// Why a reply was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    #[error("the reply has more than {} MiB", LARGEST / MIB)]
    TooLarge,
    #[error("no byte of the reply came for {SILENCE:?}")]
    Silent,
}

/// The bytes that replies hold. A clone shares them.
#[derive(Clone, Debug)]
pub struct ReplyBytes {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Default for ReplyBytes {
    fn default() -> Self {
        Self { small: Arc::new(Semaphore::new(SMALL_TOGETHER)), large: Arc::new(Semaphore::new(LARGE_AT_ONCE)) }
    }
}

/// The room of one reply. The reply keeps it as long as it exists.
#[derive(Debug, Default)]
pub struct Room {
    small: Option<OwnedSemaphorePermit>,
    large: Option<OwnedSemaphorePermit>,
}

impl ReplyBytes {
    /// Reads `body` to its end.
    ///
    /// # Errors
    /// If the connection breaks, or with [`Unread`].
    pub async fn read(&self, body: SdkBody) -> Result<(Vec<u8>, Room), Box<dyn Error + Send + Sync>> {
        let (mut bytes, mut room, mut body) = (Vec::new(), Room::default(), ByteStream::new(body));
        while let Some(chunk) = timeout(SILENCE, body.next()).await.map_err(|_| Unread::Silent)? {
            let chunk = chunk?;
            if bytes.len() + chunk.len() > LARGEST {
                return Err(Unread::TooLarge.into());
            }
            self.grow(&mut room, bytes.len(), chunk.len()).await;
            bytes.extend_from_slice(&chunk);
        }
        Ok((bytes, room))
    }

    /// Makes room for `more` bytes. Only a reply that becomes large waits, and a large one never waits again. So no reply
    /// waits for itself.
    async fn grow(&self, room: &mut Room, bytes: usize, more: usize) {
        if room.large.is_some() {
            return;
        }
        if bytes + more <= SMALL
            && let Ok(count) = u32::try_from(more)
            && let Ok(permit) = self.small.clone().try_acquire_many_owned(count)
        {
            match &mut room.small {
                Some(small) => small.merge(permit),
                None => room.small = Some(permit),
            }
            return;
        }
        // The semaphore is never closed.
        room.large = self.large.clone().acquire_owned().await.ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn body(bytes: usize) -> SdkBody {
        SdkBody::from(vec![b'x'; bytes])
    }

    #[tokio::test]
    async fn all_replies_together_hold_at_most_32_mib() {
        let replies = ReplyBytes::default();
        let mut held = Vec::new();
        while let Some(read) = replies.read(body(SMALL)).now_or_never() {
            held.push(read.unwrap());
        }
        while let Some(read) = replies.read(body(LARGEST)).now_or_never() {
            held.push(read.unwrap());
        }
        assert!(held.iter().map(|(bytes, _)| bytes.len()).sum::<usize>() <= 32 * MIB);
        held.clear();
        assert!(replies.read(body(LARGEST)).now_or_never().is_some(), "the room is free again");
    }

    #[tokio::test]
    async fn a_reply_that_is_too_large_is_not_read() {
        let error = ReplyBytes::default().read(body(LARGEST + 1)).await.unwrap_err();
        assert_eq!(error.downcast_ref::<Unread>(), Some(&Unread::TooLarge));
    }
}
