//! The rate limit of status writes for failures. A failure of a whole scope, with a thousand objects, must not cause a
//! thousand writes at once.

use crate::describe_image::Scope;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// Time between two turns: twenty writes a second.
const GAP: Duration = Duration::from_millis(50);

/// The longest wait for a turn. An object whose turn is later does not wait, so that it leaves its slot to another
/// object.
const PATIENCE: Duration = Duration::from_secs(1);

/// The next free turn of each scope.
#[derive(Debug, Default)]
pub struct Pace(Mutex<HashMap<Option<Scope>, Instant>>);

impl Pace {
    /// Waits for the turn of `scope`. All objects without a scope share the turns of `None`.
    ///
    /// # Errors
    /// When the turn is too far away. The error is the time after which to try again.
    pub async fn turn(&self, scope: Option<&Scope>) -> Result<(), Duration> {
        let now = Instant::now();
        let turn = {
            let mut next = self.0.lock();
            // Drop the scopes whose next turn is already free.
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
    async fn twenty_writes_a_second_get_a_turn_and_the_rest_try_again_later() {
        let pace = Pace::default();
        let busy = scope("eu-west-1");
        let turns = futures::future::join_all((0..100).map(|_| pace.turn(Some(&busy)))).await;
        assert_eq!(turns.iter().filter(|turn| turn.is_ok()).count(), 21);
        assert!(pace.turn(Some(&scope("us-east-1"))).await.is_ok(), "another region has its own turns");
    }
}
