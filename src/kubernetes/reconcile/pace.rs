//! The rate limit of status writes for failures. A failure of a whole scope, with a thousand objects, must not cause a
//! thousand writes at once. Namespaces take turns, so that one with many failing objects does not delay the others.

use crate::describe_image::Scope;
use crate::kubernetes::watch::watched_image::Reference;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// Time between two turns: twenty writes a second.
const GAP: Duration = Duration::from_millis(50);

/// How long a booked turn waits for its object.
const BOOKED: Duration = Duration::from_secs(10);

/// The turns of all scopes.
#[derive(Debug, Default)]
pub struct Pace(Mutex<Bookings>);

#[derive(Debug, Default)]
struct Bookings {
    /// The next free turn of each namespace in each scope.
    next: HashMap<Option<Scope>, HashMap<String, Instant>>,
    /// The turn that an object has been given.
    booked: HashMap<Reference, Instant>,
}

impl Pace {
    /// Takes the turn of `object` for the failures of `scope`. All objects without a scope share the turns of `None`.
    ///
    /// # Errors
    /// When its turn comes later. The error is the time until then. The turn is kept for the object.
    pub fn turn(&self, scope: Option<&Scope>, object: &Reference) -> Result<(), Duration> {
        let now = Instant::now();
        let mut turns = self.0.lock();
        turns.booked.retain(|_, turn| *turn + BOOKED > now);
        let turn = match turns.booked.get(object) {
            Some(turn) => *turn,
            None => turns.book(scope, object, now),
        };
        if turn > now {
            turns.booked.insert(object.clone(), turn);
            return Err(turn - now);
        }
        turns.booked.remove(object);
        Ok(())
    }
}

impl Bookings {
    fn book(&mut self, scope: Option<&Scope>, object: &Reference, now: Instant) -> Instant {
        let namespace = object.namespace.clone().unwrap_or_default();
        self.next.retain(|_, namespaces| {
            namespaces.retain(|_, turn| *turn > now);
            !namespaces.is_empty()
        });
        let namespaces = self.next.entry(scope.cloned()).or_default();
        // Namespaces that wait share the rate.
        let waiting = namespaces.len() + usize::from(!namespaces.contains_key(&namespace));
        let next = namespaces.entry(namespace).or_insert(now);
        let turn = *next;
        *next = turn + GAP * u32::try_from(waiting).unwrap_or(u32::MAX);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe_image::Region;

    fn scope(region: &str) -> Scope {
        Scope::default_identity(Region::parse(region).unwrap())
    }

    fn object(namespace: &str, number: usize) -> Reference {
        Reference::new(&format!("hpc-{number}")).within(namespace)
    }

    #[tokio::test(start_paused = true)]
    async fn twenty_writes_a_second_get_a_turn_and_the_rest_try_again_later() {
        let (pace, busy) = (Pace::default(), scope("eu-west-1"));
        let mut written = 0;
        for _ in 0..100 {
            written += (0..200).filter(|number| pace.turn(Some(&busy), &object("a", *number)).is_ok()).count();
            tokio::time::advance(Duration::from_millis(10)).await;
        }
        assert!((18..=22).contains(&written), "in one second: {written}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_namespace_with_many_failures_does_not_delay_another() {
        let (pace, busy) = (Pace::default(), scope("eu-west-1"));
        let later = (0..3000).filter_map(|number| pace.turn(Some(&busy), &object("a", number)).err()).max();
        assert!(later > Some(Duration::from_secs(100)), "{later:?}");
        assert_eq!(pace.turn(Some(&busy), &object("b", 0)), Ok(()));
        assert_eq!(pace.turn(Some(&scope("us-east-1")), &object("a", 0)), Ok(()), "another region has its own turns");
    }
}
