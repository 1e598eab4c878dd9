//! `by_turns`: orders items so that their parties take turns.

use std::collections::HashMap;
use std::hash::Hash;

/// `items` in rounds: in each round, the next item of each party. An item of several parties comes with the first of them.
/// Items of one party keep their order.
pub fn by_turns<T, Party: Eq + Hash>(items: Vec<T>, parties: impl Fn(&T) -> Vec<Party>) -> Vec<T> {
    let mut taken: HashMap<Party, usize> = HashMap::new();
    let mut in_rounds: Vec<(usize, T)> = items
        .into_iter()
        .map(|item| {
            let rounds =
                parties(&item).into_iter().map(|party| (taken.get(&party).copied().unwrap_or_default(), party));
            let Some((round, party)) = rounds.min_by_key(|(round, _)| *round) else { return (0, item) };
            taken.insert(party, round + 1);
            (round, item)
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
    fn a_party_with_many_items_does_not_come_before_the_others() {
        let items = vec!["a1", "a2", "a3", "b1", "c1", "b2", "ad"];
        let in_turns = by_turns(items, |item| item.chars().filter(char::is_ascii_lowercase).collect());
        assert_eq!(in_turns, ["a1", "b1", "c1", "ad", "a2", "b2", "a3"]);
    }
}
