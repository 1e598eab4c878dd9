//! Maps that give memory back.

use std::collections::HashMap;
use std::hash::Hash;

/// A smaller map never shrinks.
const SMALL: usize = 256;

/// Makes `map` smaller when it has lost most of its entries. By itself, a map keeps the room of its best days.
pub fn fit<K: Eq + Hash, V>(map: &mut HashMap<K, V>) {
    if map.capacity() > SMALL.max(4 * map.len()) {
        map.shrink_to(2 * map.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_that_has_lost_most_of_its_entries_becomes_smaller_and_keeps_the_others() {
        let mut map: HashMap<_, _> = (0..5000).map(|number| (number, number)).collect();
        fit(&mut map);
        assert!(map.capacity() >= 5000);
        map.retain(|number, _| *number < 100);
        fit(&mut map);
        assert!(map.capacity() < 1000 && map.len() == 100 && map[&99] == 99);
    }
}
