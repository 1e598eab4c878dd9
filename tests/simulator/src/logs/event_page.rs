//! A page of GetLogEvents. AWS's rules: a page has at most 10,000 events or 1 MB; the token forward starts after its
//! last event, the token backward before its first; at the end the token is the one that was sent.

use std::ops::Range;

use super::token::{Place, Token};
use crate::world::LogEvent;

pub const MOST: usize = 10_000;
const MOST_BYTES: usize = 1 << 20;
/// What AWS counts for an event besides its message.
const BYTES_OF_EVENT: usize = 26;

pub struct Wanted {
    pub from: Option<u64>,
    /// Exclusive.
    pub until: Option<u64>,
    pub limit: usize,
    pub from_head: bool,
    pub token: Option<Token>,
    pub empty_pages: bool,
}

pub struct Page<'a> {
    pub events: Vec<&'a LogEvent>,
    pub backward: Token,
    pub forward: Token,
}

pub fn page<'a>(events: &'a [LogEvent], wanted: &Wanted) -> Page<'a> {
    let sorted = sorted(events, wanted);
    let is_forward = wanted.token.map_or(wanted.from_head, |token| token.is_forward);
    let start = match wanted.token {
        Some(token) => sorted.partition_point(|(place, _)| *place < token.place),
        None if is_forward => 0,
        None => sorted.len(),
    };
    let range = if is_forward { ahead(&sorted, start, wanted.limit) } else { behind(&sorted, start, wanted.limit) };
    let is_held_back = wanted.empty_pages && !range.is_empty() && wanted.token.is_none_or(|token| !token.is_of_empty);
    if range.is_empty() || is_held_back {
        return empty(wanted, &sorted, start, is_held_back);
    }
    let (first, last) = (sorted[range.start].0, sorted[range.end - 1].0);
    let token = |is_forward, place| Token { is_forward, place, is_of_empty: false };
    Page {
        events: sorted[range].iter().map(|(_, event)| *event).collect(),
        backward: token(false, first),
        forward: token(true, (last.0, last.1 + 1)),
    }
}

fn sorted<'a>(events: &'a [LogEvent], wanted: &Wanted) -> Vec<(Place, &'a LogEvent)> {
    let is_wanted =
        |time: u64| wanted.from.is_none_or(|from| from <= time) && wanted.until.is_none_or(|until| time < until);
    let placed = (0_u64..).zip(events).map(|(number, event)| ((event.timestamp.0, number), event));
    let mut sorted: Vec<_> = placed.filter(|((time, _), _)| is_wanted(*time)).collect();
    sorted.sort_unstable_by_key(|(place, _)| *place);
    sorted
}

/// The events from `start` on that fit on a page. There is always room for one.
fn ahead(sorted: &[(Place, &LogEvent)], start: usize, limit: usize) -> Range<usize> {
    start..start + fitting(sorted[start..].iter(), limit)
}

/// The events before `start` that fit on a page, the nearest first.
fn behind(sorted: &[(Place, &LogEvent)], start: usize, limit: usize) -> Range<usize> {
    start - fitting(sorted[..start].iter().rev(), limit)..start
}

fn fitting<'a>(events: impl Iterator<Item = &'a (Place, &'a LogEvent)>, limit: usize) -> usize {
    let mut bytes = 0;
    let fits = |(index, (_, event)): &(usize, &(Place, &LogEvent))| {
        bytes += event.message.len() + BYTES_OF_EVENT;
        *index == 0 || bytes <= MOST_BYTES
    };
    events.take(limit).enumerate().take_while(fits).count()
}

/// A page without events: at the end of the stream, or held back on purpose.
fn empty<'a>(wanted: &Wanted, sorted: &[(Place, &LogEvent)], start: usize, is_held_back: bool) -> Page<'a> {
    let place = match (wanted.token, sorted.get(start), sorted.last()) {
        (Some(token), ..) => token.place,
        (None, Some((place, _)), _) => *place,
        (None, None, Some(((time, number), _))) => (*time, number + 1),
        (None, None, None) => (wanted.from.unwrap_or_default(), 0),
    };
    let asked = |is_forward| wanted.token.filter(|token| token.is_forward == is_forward && !is_held_back);
    let token = |is_forward| asked(is_forward).unwrap_or(Token { is_forward, place, is_of_empty: is_held_back });
    Page { events: Vec::new(), backward: token(false), forward: token(true) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Millis;

    fn stream(times: &[u64]) -> Vec<LogEvent> {
        times.iter().map(|time| LogEvent::new(Millis(*time), format!("at {time}"))).collect()
    }

    fn wanted(limit: usize) -> Wanted {
        Wanted { from: None, until: None, limit, from_head: true, token: None, empty_pages: false }
    }

    fn times(page: &Page) -> Vec<u64> {
        page.events.iter().map(|event| event.timestamp.0).collect()
    }

    #[test]
    fn pages_go_forward_from_the_head_until_the_token_repeats() {
        let events = stream(&[30, 10, 20, 20, 50]);
        let first = page(&events, &wanted(2));
        assert_eq!(times(&first), [10, 20]);
        let second = page(&events, &Wanted { token: Some(first.forward), ..wanted(2) });
        assert_eq!(times(&second), [20, 30]);
        let third = page(&events, &Wanted { token: Some(second.forward), ..wanted(2) });
        assert_eq!(times(&third), [50]);
        assert_ne!(third.forward, second.forward);
        let end = page(&events, &Wanted { token: Some(third.forward), ..wanted(2) });
        assert_eq!((times(&end), end.forward), (vec![], third.forward));
    }

    #[test]
    fn without_from_head_the_newest_come_first_and_the_token_backward_reads_on() {
        let events = stream(&[10, 20, 30]);
        let tail = page(&events, &Wanted { from_head: false, ..wanted(2) });
        assert_eq!(times(&tail), [20, 30]);
        let older = page(&events, &Wanted { token: Some(tail.backward), ..wanted(2) });
        assert_eq!(times(&older), [10]);
        let begin = page(&events, &Wanted { token: Some(older.backward), ..wanted(2) });
        assert_eq!((times(&begin), begin.backward), (vec![], older.backward));
        assert_eq!(times(&page(&events, &Wanted { token: Some(begin.forward), ..wanted(9) })), [10, 20, 30]);
    }

    #[test]
    fn events_that_arrive_later_follow_the_token_of_the_end_even_of_an_empty_stream() {
        let none = page(&[], &Wanted { from_head: false, ..wanted(5) });
        let mut events = stream(&[10]);
        let one = page(&events, &Wanted { token: Some(none.forward), ..wanted(5) });
        assert_eq!(times(&one), [10]);
        let token = Some(one.forward);
        events.extend(stream(&[10, 40]));
        assert_eq!(times(&page(&events, &Wanted { token, ..wanted(5) })), [10, 40]);
    }

    #[test]
    fn the_start_is_included_and_the_end_is_not() {
        let events = stream(&[10, 20, 30]);
        let page = page(&events, &Wanted { from: Some(10), until: Some(30), ..wanted(5) });
        assert_eq!(times(&page), [10, 20]);
    }

    #[test]
    fn a_page_has_at_most_a_megabyte_and_at_least_one_event() {
        let message = "x".repeat(400_000);
        let mut events: Vec<LogEvent> = (0..5).map(|time| LogEvent::new(Millis(time), message.clone())).collect();
        assert_eq!(times(&page(&events, &wanted(5))), [0, 1]);
        assert_eq!(times(&page(&events, &Wanted { from_head: false, ..wanted(5) })), [3, 4]);
        events[0].message = "x".repeat(2_000_000);
        assert_eq!(times(&page(&events, &wanted(5))), [0]);
    }

    #[test]
    fn an_empty_page_with_new_tokens_comes_before_each_page() {
        let events = stream(&[10, 20]);
        let with = |token| page(&events, &Wanted { token, empty_pages: true, ..wanted(1) });
        let mut read = Vec::new();
        let mut token = None;
        for _ in 0..8 {
            let page = with(token);
            read.push(times(&page));
            if token == Some(page.forward) {
                break;
            }
            token = Some(page.forward);
        }
        assert_eq!(read, [vec![], vec![10], vec![], vec![20], vec![]]);
    }
}
