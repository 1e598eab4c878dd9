//! `by_turns`: orders items so that their owners take turns.

use std::collections::HashMap;
use std::hash::Hash;

/// `items` in rounds: in each round, the next item of each owner. Items of one owner keep their order.
pub fn by_turns<T, Owner: Eq + Hash>(items: Vec<T>, owner: impl Fn(&T) -> Owner) -> Vec<T> {
    let mut taken: HashMap<Owner, usize> = HashMap::new();
    let mut in_rounds: Vec<(usize, T)> = items
        .into_iter()
        .map(|item| {
            let round = taken.entry(owner(&item)).or_default();
            *round += 1;
            (*round, item)
        })
        .collect();
    // A stable sort, so that the order within a round is the order of the items.
    in_rounds.sort_by_key(|(round, _)| *round);
    in_rounds.into_iter().map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_with_many_items_does_not_come_before_the_others() {
        let items = vec!["a1", "a2", "a3", "b1", "c1", "b2"];
        assert_eq!(by_turns(items, |item| item.chars().next()), ["a1", "b1", "c1", "a2", "b2", "a3"]);
    }
}
