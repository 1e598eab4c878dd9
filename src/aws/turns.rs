//! `Turns`: who makes the next call within a rate limit. Each party has one call in a round, so a party with many waiting
//! calls does not delay the others. Within a round, urgent calls come first. All background calls together are one party.

use crate::describe_image::source::{Party, Priority, Turn};
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tokio::sync::oneshot;

/// After this many urgent calls of a party in a row, one of its calls for an image in progress comes first.
const URGENT_IN_A_ROW: u8 = 3;

/// The callers that wait for a rate limit.
#[derive(Debug, Default)]
pub struct Turns(Mutex<Line>);

#[derive(Debug, Default)]
struct Line {
    /// Whether a caller has the place at the front.
    is_taken: bool,
    arrivals: u64,
    foreground: Rounds,
    background: Rounds,
    /// The round in which the next background call may come.
    next_background: u64,
}

/// The place at the front. It goes to the next caller when it is dropped.
#[derive(Debug)]
pub struct Place(Option<Arc<Turns>>);

impl Turns {
    /// Waits for the place at the front. Dropping the future gives up the wait.
    pub async fn place(self: &Arc<Self>, turn: &Turn) -> Place {
        let place = {
            let mut line = self.0.lock();
            if !line.is_taken {
                line.is_taken = true;
                return Place(Some(self.clone()));
            }
            line.wait(turn)
        };
        // The sender of a waiting caller is always used. If it were not, the call would go ahead.
        place.await.unwrap_or(Place(None))
    }

    fn pass_on(self: Arc<Self>) {
        loop {
            let next = {
                let mut line = self.0.lock();
                let next = line.next();
                line.is_taken = next.is_some();
                next
            };
            let Some(next) = next else { return };
            match next.send(Place(Some(self.clone()))) {
                Ok(()) => return,
                // The caller has just given up. Its place must not be passed on twice.
                Err(mut place) => place.0 = None,
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(turns) = self.0.take() {
            turns.pass_on();
        }
    }
}

impl Line {
    fn wait(&mut self, turn: &Turn) -> oneshot::Receiver<Place> {
        let (sender, place) = oneshot::channel();
        self.arrivals += 1;
        let waiter = Waiter { sender: Arc::new(Mutex::new(Some(sender))), arrived: self.arrivals };
        let rounds = match turn.priority {
            Priority::Urgent | Priority::InProgress => &mut self.foreground,
            Priority::Background => &mut self.background,
        };
        for party in turn.parties.iter() {
            rounds.parties.entry(party.clone()).or_default().of(turn.priority).push_back(waiter.clone());
        }
        place
    }

    /// The next caller. `None` if nobody waits.
    fn next(&mut self) -> Option<oneshot::Sender<Place>> {
        loop {
            let foreground = self.foreground.best();
            let background = self.background.best().map(|best| best.party);
            let waiter = match (foreground, background) {
                (None, None) => return None,
                (Some(best), Some(_)) if best.rank < (self.next_background, Priority::Background, 0, 0) => {
                    self.foreground.take(&best)
                }
                (Some(best), None) => self.foreground.take(&best),
                (foreground, Some(_)) => {
                    let round = self.foreground.round;
                    // Alone, they use up no turns. Else each of a quiet night would be one less in the morning.
                    let from = if foreground.is_some() { self.next_background.max(round) } else { round };
                    self.next_background = from + 1;
                    self.background.best().and_then(|best| self.background.take(&best))
                }
            };
            if let Some(sender) = waiter.and_then(|waiter| waiter.sender.lock().take()) {
                return Some(sender);
            }
        }
    }
}

/// Parties that take turns, round by round.
#[derive(Debug, Default)]
struct Rounds {
    round: u64,
    parties: HashMap<Party, Queue>,
}

/// The waiting calls of one party.
#[derive(Debug, Default)]
struct Queue {
    /// The round of its next call.
    next: u64,
    urgent: VecDeque<Waiter>,
    other: VecDeque<Waiter>,
    urgent_in_a_row: u8,
}

/// A caller. It waits in the queue of each of its parties, and goes with whichever comes first.
#[derive(Clone, Debug)]
struct Waiter {
    sender: Arc<Mutex<Option<oneshot::Sender<Place>>>>,
    arrived: u64,
}

impl Waiter {
    /// Whether it has given up, or has gone with another party.
    fn is_gone(&self) -> bool {
        self.sender.lock().as_ref().is_none_or(oneshot::Sender::is_closed)
    }
}

/// The smallest comes first: the round in which the call may come, its priority, the round of its party, its arrival.
type Rank = (u64, Priority, u64, u64);

/// The party whose turn it is.
struct Best {
    rank: Rank,
    party: Party,
}

impl Rounds {
    fn best(&mut self) -> Option<Best> {
        let round = self.round;
        self.parties.retain(|_, queue| !queue.is_over(round));
        let ranked = self.parties.iter().filter_map(|(party, queue)| Some((queue.rank(round)?, party)));
        ranked.min_by_key(|(rank, _)| *rank).map(|(rank, party)| Best { rank, party: party.clone() })
    }

    fn take(&mut self, best: &Best) -> Option<Waiter> {
        self.round = self.round.max(best.rank.0);
        let queue = self.parties.get_mut(&best.party)?;
        queue.next = queue.next.max(self.round) + 1;
        queue.pop()
    }
}

impl Queue {
    fn of(&mut self, priority: Priority) -> &mut VecDeque<Waiter> {
        if priority == Priority::Urgent { &mut self.urgent } else { &mut self.other }
    }

    /// Whether the party can be forgotten: nobody waits, and a new queue would have the same round.
    fn is_over(&mut self, round: u64) -> bool {
        for queue in [&mut self.urgent, &mut self.other] {
            while queue.front().is_some_and(Waiter::is_gone) {
                queue.pop_front();
            }
        }
        self.urgent.is_empty() && self.other.is_empty() && self.next <= round
    }

    fn is_urgent_next(&self) -> bool {
        !self.urgent.is_empty() && (self.urgent_in_a_row < URGENT_IN_A_ROW || self.other.is_empty())
    }

    /// An urgent call may come one round early: a less urgent call of its party must not delay it.
    fn rank(&self, round: u64) -> Option<Rank> {
        let next = self.next.max(round);
        if self.is_urgent_next() {
            return Some((next.saturating_sub(1).max(round), Priority::Urgent, next, self.urgent.front()?.arrived));
        }
        Some((next, Priority::InProgress, next, self.other.front()?.arrived))
    }

    fn pop(&mut self) -> Option<Waiter> {
        if self.is_urgent_next() {
            self.urgent_in_a_row = self.urgent_in_a_row.saturating_add(1);
            return self.urgent.pop_front();
        }
        self.urgent_in_a_row = 0;
        self.other.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn turn(priority: Priority, tenants: &[&str]) -> Turn {
        Turn { priority, parties: tenants.iter().map(|tenant| Party::Tenant((*tenant).into())).collect() }
    }

    /// The names of `callers` in the order in which they get the place. Each waits behind one that has it.
    async fn order(callers: &[(&'static str, Priority, &[&str])]) -> String {
        let turns = Arc::new(Turns::default());
        let first = turns.place(&turn(Priority::Urgent, &["first"])).await;
        let order = Arc::new(Mutex::new(String::new()));
        let mut waiting = Vec::new();
        for (name, priority, tenants) in callers {
            let (turns, turn, order, name) = (turns.clone(), turn(*priority, tenants), order.clone(), *name);
            let mut caller = Box::pin(async move {
                let _place = turns.place(&turn).await;
                order.lock().push_str(name);
            });
            assert!(caller.as_mut().now_or_never().is_none());
            waiting.push(caller);
        }
        drop(first);
        futures::future::join_all(waiting).await;
        let order = order.lock();
        order.clone()
    }

    #[tokio::test]
    async fn parties_take_turns_and_urgent_calls_come_first_within_a_round() {
        use Priority::{InProgress, Urgent};
        let busy: &[&str] = &["busy"];
        assert_eq!(
            order(&[("a", Urgent, busy), ("b", Urgent, busy), ("c", Urgent, busy), ("x", Urgent, &["neighbour"])])
                .await,
            "axbc"
        );
        assert_eq!(
            order(&[("a", Urgent, busy), ("b", Urgent, busy), ("c", Urgent, busy), ("x", InProgress, &["neighbour"])])
                .await,
            "abxc",
            "an urgent call may come one round early"
        );
        assert_eq!(order(&[("a", InProgress, busy), ("x", Urgent, &["neighbour"])]).await, "xa");
    }

    #[tokio::test]
    async fn background_calls_of_all_tenants_have_one_turn_in_a_round_and_their_tenants_take_turns() {
        use Priority::{Background, InProgress};
        let order = order(&[
            ("a", Background, &["busy"]),
            ("b", Background, &["busy"]),
            ("y", Background, &["neighbour"]),
            ("1", InProgress, &["one"]),
            ("2", InProgress, &["one"]),
            ("3", InProgress, &["one"]),
        ])
        .await;
        assert_eq!(order, "1a2y3b");
    }

    #[tokio::test]
    async fn background_calls_that_were_alone_do_not_wait_longer_beside_others() {
        use Priority::{Background, InProgress};
        let turns = Arc::new(Turns::default());
        let mut place = turns.place(&turn(Background, &["quiet"])).await;
        for _ in 0..1000 {
            let next = turn(Background, &["quiet"]);
            let mut next = Box::pin(turns.place(&next));
            assert!(next.as_mut().now_or_never().is_none());
            drop(place);
            place = next.await;
        }
        let (flood, background) = (turn(InProgress, &["busy"]), turn(Background, &["quiet"]));
        let mut flood: Vec<_> = (0..9).map(|_| Box::pin(turns.place(&flood))).collect();
        flood.iter_mut().for_each(|call| assert!(call.as_mut().now_or_never().is_none()));
        let mut background = Box::pin(turns.place(&background));
        assert!(background.as_mut().now_or_never().is_none());
        drop(place);
        let before = flood.into_iter().take_while(|_| background.as_mut().now_or_never().is_none());
        assert!(before.filter_map(|call| call.now_or_never()).count() <= 3);
    }

    #[tokio::test]
    async fn an_urgent_flood_of_a_tenant_does_not_stop_its_own_builds() {
        use Priority::{InProgress, Urgent};
        let own: &[&str] = &["own"];
        let flood = [("a", Urgent, own), ("b", Urgent, own), ("c", Urgent, own), ("d", Urgent, own)];
        let order = order(&[&[("x", InProgress, own)][..], &flood].concat()).await;
        assert_eq!(order, "abcxd");
    }

    #[tokio::test]
    async fn a_call_for_several_tenants_is_made_once_with_the_first_turn_of_any() {
        use Priority::Urgent;
        let callers: [(_, _, &[&str]); 4] = [
            ("a", Urgent, &["busy"]),
            ("b", Urgent, &["busy"]),
            ("s", Urgent, &["busy", "neighbour"]),
            ("c", Urgent, &["busy"]),
        ];
        assert_eq!(order(&callers).await, "asbc");
    }

    #[tokio::test]
    async fn a_caller_that_gives_up_does_not_hold_the_others() {
        let turns = Arc::new(Turns::default());
        let first = turns.place(&turn(Priority::Urgent, &["first"])).await;
        let (gone, next) = (turn(Priority::Urgent, &["gone"]), turn(Priority::Urgent, &["next"]));
        let mut gives_up = Box::pin(turns.place(&gone));
        let mut waits = Box::pin(turns.place(&next));
        assert!(gives_up.as_mut().now_or_never().is_none() && waits.as_mut().now_or_never().is_none());
        // It has the place when it gives up.
        drop(first);
        drop(gives_up);
        let place = waits.now_or_never().unwrap();
        drop(place);
        assert!(turns.place(&gone).now_or_never().is_some(), "the place is free again");
    }
}
