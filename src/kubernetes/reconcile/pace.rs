//! A failure that hits a whole scope is written at a bounded rate: a thousand objects must not become a thousand
//! writes at once.

use crate::describe_image::Scope;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// Twenty writes a second.
const GAP: Duration = Duration::from_millis(50);

/// A turn further away than this is not waited for: the slot is another object's.
const PATIENCE: Duration = Duration::from_secs(1);

/// The next free moment of each identity and region.
#[derive(Debug, Default)]
pub struct Pace(Mutex<HashMap<Option<Scope>, Instant>>);

impl Pace {
    /// Waits for the scope's turn, or that of all objects that have none, or gives the time after which to come again.
    ///
    /// # Errors
    /// That time, when it is too far away to be waited for.
    pub async fn turn(&self, scope: Option<&Scope>) -> Result<(), Duration> {
        let now = Instant::now();
        let turn = {
            let mut next = self.0.lock();
            // A scope whose turn is over need not be kept.
            next.retain(|_, turn| *turn > now);
            let turn = next.get(&scope.cloned()).map_or(now, |next| (*next).max(now));
            if turn - now > PATIENCE {
                return Err(turn - now);
            }
            next.insert(scope.cloned(), turn + GAP);
            turn
        };
        tokio::time::sleep_until(turn).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe_image::Region;

    fn scope(region: &str) -> Scope {
        Scope::default_identity(Region::parse(region).unwrap())
    }

    #[tokio::test]
    async fn twenty_a_second_have_their_turn_and_the_rest_come_again() {
        let pace = Pace::default();
        let busy = scope("eu-west-1");
        let turns = futures::future::join_all((0..100).map(|_| pace.turn(Some(&busy)))).await;
        assert_eq!(turns.iter().filter(|turn| turn.is_ok()).count(), 21);
        assert!(pace.turn(Some(&scope("us-east-1"))).await.is_ok(), "another region has turns of its own");
    }
}
