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
        // The sender is dropped only without a place to give, and that does not happen while a caller waits.
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
                (Some(best), Some(_)) if best.rank < (self.next_background, Priority::Background, 0) => {
                    self.foreground.take(&best)
                }
                (Some(best), None) => self.foreground.take(&best),
                (_, Some(_)) => {
                    self.next_background = self.next_background.max(self.foreground.round) + 1;
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

/// The party whose turn it is. The smallest rank comes first: its round, its priority, and when it arrived.
struct Best {
    rank: (u64, Priority, u64),
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

    /// Whether nothing is known of the party any more: nobody waits, and its turn has come again.
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

    /// An urgent call may come one round early, so that it does not wait because of a less urgent one before it.
    fn rank(&self, round: u64) -> Option<(u64, Priority, u64)> {
        let next = self.next.max(round);
        if self.is_urgent_next() {
            return Some((next.saturating_sub(1).max(round), Priority::Urgent, self.urgent.front()?.arrived));
        }
        Some((next, Priority::InProgress, self.other.front()?.arrived))
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
