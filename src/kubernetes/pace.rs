//! A failure that hits a whole scope is written at a bounded rate: a thousand objects must not become a thousand
//! writes at once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Twenty writes a second.
const GAP: Duration = Duration::from_millis(50);

/// A turn further away than this is not waited for: the slot is another object's.
const PATIENCE: Duration = Duration::from_secs(1);

/// The next free moment of each identity and region.
#[derive(Debug, Default)]
pub struct Pace(Mutex<HashMap<(String, String), Instant>>);

impl Pace {
    /// Waits for the scope's turn, or gives the time after which to come again.
    ///
    /// # Errors
    /// That time, when it is too far away to be waited for.
    pub async fn turn(&self, identity: &str, region: &str) -> Result<(), Duration> {
        let now = Instant::now();
        let turn = {
            let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // A scope whose turn is over need not be kept.
            next.retain(|_, turn| *turn > now);
            let scope = (identity.to_owned(), region.to_owned());
            let turn = next.get(&scope).map_or(now, |next| (*next).max(now));
            if turn - now > PATIENCE {
                return Err(turn - now);
            }
            next.insert(scope, turn + GAP);
            turn
        };
        tokio::time::sleep_until(turn).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn twenty_a_second_have_their_turn_and_the_rest_come_again() {
        let pace = Pace::default();
        let turns = futures::future::join_all((0..100).map(|_| pace.turn("default", "eu-west-1"))).await;
        assert_eq!(turns.iter().filter(|turn| turn.is_ok()).count(), 21);
        assert!(pace.turn("default", "us-east-1").await.is_ok(), "another region has turns of its own");
    }
}
