//! The generator and what is derived from it.

use std::collections::HashSet;

use dynamic_inversion::network::random::{derived_seed, generator, permutation, streams};
use rand::Rng;

#[test]
fn streams_of_one_seed_differ() {
    let first: HashSet<u64> = (0..100).map(|stream| generator(5, stream).next_u64()).collect();
    assert_eq!(first.len(), 100);
    assert_ne!(generator(5, 0).next_u64(), generator(6, 0).next_u64());
}

#[test]
fn derived_seeds_differ_and_do_not_depend_on_their_number() {
    let seeds: HashSet<u64> = (0..1000).map(|index| derived_seed(1, index)).collect();
    assert_eq!(seeds.len(), 1000);
    assert_eq!(derived_seed(1, 17), derived_seed(1, 17));
}

#[test]
fn permutations_hold_every_index_once_and_are_uniform() {
    let mut order = permutation(1000, 3, streams::ORDER);
    assert_ne!(order, permutation(1000, 3, streams::ORDER + 1));
    order.sort_unstable();
    assert!(order.iter().copied().eq(0..1000));
    assert!(permutation(0, 3, 0).is_empty());
    // Each of the 6 orders of 3 items: 1000 expected of 6000, standard deviation 28.9.
    let mut counts = std::collections::BTreeMap::new();
    for stream in 0..6000 {
        *counts.entry(permutation(3, 9, stream)).or_insert(0i32) += 1;
    }
    assert_eq!(counts.len(), 6);
    assert!(counts.values().all(|&count| (count - 1000).abs() < 145), "{counts:?}");
}
