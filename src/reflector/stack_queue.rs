//! `StackQueue`: the images of a lane that wait for their stack, and whether each is read by name or together with the
//! others, in a sweep of all stacks.

use crate::describe_image::image_id::ImageId;
use crate::describe_image::observe::plan::Sizes;
use crate::describe_image::source::{Party, Priority, StackAnswer, Turn};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

/// A sweep of at most so many pages is short, so everybody waits for it.
const SHORT: usize = 2;

/// After AWS has denied a sweep, stacks are read by name for this time. The permission may be granted meanwhile.
const DENIED_FOR: Duration = Duration::from_secs(600);

/// The images that wait for their stack.
#[derive(Default)]
pub struct StackQueue {
    state: Mutex<State>,
    /// Wakes those that wait, because a sweep has begun or ended.
    pub changed: Notify,
}

#[derive(Default)]
struct State {
    waiting: HashMap<ImageId, Vec<Waiter>>,
    /// How many reads of each party wait.
    by_party: HashMap<Party, usize>,
    /// How many waiting reads no sweep has taken.
    untaken: usize,
    tickets: u64,
    is_sweeping: bool,
    denied_at: Option<Instant>,
}

struct Waiter {
    ticket: u64,
    turn: Turn,
    /// `None` while a sweep has it.
    sender: Option<oneshot::Sender<StackAnswer>>,
}

/// A place in the queue. Dropping it leaves the queue.
pub struct Ticket<'a> {
    queue: &'a StackQueue,
    id: &'a ImageId,
    number: u64,
    pub turn: Turn,
    /// The answer of a sweep. An error if the image has lost its last subscriber.
    pub answer: oneshot::Receiver<StackAnswer>,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.queue.state.lock().leave(self.id, |waiter| waiter.ticket == self.number);
    }
}

/// The images that a sweep answers for. Dropping it ends the sweep.
pub struct Swept<'a> {
    queue: &'a StackQueue,
    pub turn: Turn,
    waiting: HashMap<ImageId, Vec<(u64, oneshot::Sender<StackAnswer>)>>,
}

impl StackQueue {
    pub fn join<'a>(&'a self, id: &'a ImageId, turn: Turn) -> Ticket<'a> {
        let (sender, answer) = oneshot::channel();
        let mut state = self.state.lock();
        state.tickets += 1;
        state.untaken += 1;
        let number = state.tickets;
        for party in turn.parties.iter() {
            *state.by_party.entry(party.clone()).or_default() += 1;
        }
        let waiter = Waiter { ticket: number, turn: turn.clone(), sender: Some(sender) };
        state.waiting.entry(id.clone()).or_default().push(waiter);
        Ticket { queue: self, id, number, turn, answer }
    }

    /// Removes an image that has no subscriber any more.
    pub fn forget(&self, id: &ImageId) {
        self.state.lock().leave(id, |_| true);
    }

    /// Begins a sweep if that takes fewer calls than to read all waiting images by name.
    pub fn begins_sweep(&self, sizes: Sizes) -> bool {
        let mut state = self.state.lock();
        let is_denied = state.denied_at.is_some_and(|at| at.elapsed() < DENIED_FOR);
        if state.is_sweeping || is_denied || state.untaken <= sizes.stack_pages() {
            return false;
        }
        state.is_sweeping = true;
        drop(state);
        self.changed.notify_waiters();
        true
    }

    /// Takes those that wait now. They wait for a read that begins from now on.
    pub fn take(&self, shared: impl Fn(Priority) -> Turn) -> Swept<'_> {
        let mut state = self.state.lock();
        state.untaken = 0;
        let mut priority = Priority::Background;
        let mut swept: HashMap<ImageId, Vec<_>> = HashMap::new();
        for (id, waiters) in &mut state.waiting {
            for waiter in waiters {
                priority = priority.min(waiter.turn.priority);
                let sender = waiter.sender.take().map(|sender| (waiter.ticket, sender));
                swept.entry(id.clone()).or_default().extend(sender);
            }
        }
        Swept { queue: self, turn: shared(priority), waiting: swept }
    }

    /// Whether the stack is read by name now. Otherwise it waits for the sweep. A tenant with few waiting images does not wait
    /// for the long sweep of one with many. It has few if all tenants, with as many each and by name, took no more calls than the
    /// sweep.
    pub fn is_read_alone(&self, turn: &Turn, sizes: Sizes) -> bool {
        let state = self.state.lock();
        let pages = sizes.stack_pages();
        let images = |party: &Party| state.by_party.get(party).copied().unwrap_or_default();
        let has_few = |party: &Party| images(party) * state.by_party.len() <= pages;
        let is_long = pages > SHORT && turn.priority != Priority::Background;
        !state.is_sweeping || (is_long && turn.parties.iter().any(has_few))
    }
}

impl State {
    fn leave(&mut self, id: &ImageId, is_meant: impl Fn(&Waiter) -> bool) {
        let Some(waiters) = self.waiting.get_mut(id) else { return };
        for waiter in waiters.extract_if(.., |waiter| is_meant(waiter)) {
            self.untaken -= usize::from(waiter.sender.is_some());
            for party in waiter.turn.parties.iter() {
                if let Some(images) = self.by_party.get_mut(party) {
                    *images -= 1;
                    if *images == 0 {
                        self.by_party.remove(party);
                    }
                }
            }
        }
        if waiters.is_empty() {
            self.waiting.remove(id);
        }
    }
}

impl Swept<'_> {
    pub fn contains(&self, id: &ImageId) -> bool {
        self.waiting.contains_key(id)
    }

    /// Answers for all images with what `answer` returns for each.
    pub fn answer(mut self, mut answer: impl FnMut(&ImageId) -> StackAnswer) {
        for (id, waiters) in self.waiting.drain() {
            for (_, sender) in waiters {
                // A receiver that is gone was answered by name.
                let _ = sender.send(answer(&id));
            }
        }
    }

    /// Ends the sweep without an answer, because AWS denies it. The images are read by name.
    pub fn denied(mut self) {
        let mut state = self.queue.state.lock();
        state.denied_at = Some(Instant::now());
        for (id, waiters) in self.waiting.drain() {
            for (ticket, sender) in waiters {
                let waiters = state.waiting.get_mut(&id);
                if let Some(waiter) = waiters.and_then(|waiters| waiters.iter_mut().find(|one| one.ticket == ticket)) {
                    waiter.sender = Some(sender);
                    state.untaken += 1;
                }
            }
        }
    }
}

impl Drop for Swept<'_> {
    fn drop(&mut self) {
        self.queue.state.lock().is_sweeping = false;
        self.queue.changed.notify_waiters();
    }
}
