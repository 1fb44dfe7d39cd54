//! The random generator of the whole crate, and the table of who uses which stream.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Stream numbers: every drawn quantity has a stream of its own, so that adding one never changes
/// another and nothing depends on the order of drawing.
///
/// A constant is the first of 2^32 streams; the item's index is added to it.
///
/// | stream | drawn quantity | index |
/// |---|---|---|
/// | [`WEIGHTS`](streams::WEIGHTS) | initial weights | layer, from 1 |
/// | [`BIASES`](streams::BIASES) | initial biases | layer, from 1 |
/// | [`FEEDBACK`](streams::FEEDBACK) | feedback matrices | loop or layer, from 1 |
/// | [`TARGETS`](streams::TARGETS) | drawn targets of a run | target, from 0 |
/// | [`INITIAL_STATE`](streams::INITIAL_STATE) | drawn initial states | target, from 0 |
/// | [`NOISE`](streams::NOISE) | noise along a trajectory | target or example, from 0 |
/// | [`ORDER`](streams::ORDER) | order of training examples | epoch, from 0 |
/// | [`TEACHER_WEIGHTS`](streams::TEACHER_WEIGHTS) | weights of a teacher | layer, from 1 |
/// | [`TEACHER_BIASES`](streams::TEACHER_BIASES) | biases of a teacher | layer, from 1 |
/// | [`TEACHER_INPUTS`](streams::TEACHER_INPUTS) | inputs shown to a teacher | set: 0 train, 1 test |
/// | [`SEEDS`](streams::SEEDS) | seeds of repeats and sweep points | point, from 0 |
/// | [`CHECKS`](streams::CHECKS) | random instances of theory checks | instance, from 0 |
/// | [`INPUTS`](streams::INPUTS) | drawn inputs of a run | target, from 0 |
pub mod streams {
    /// Initial weights, plus the layer.
    pub const WEIGHTS: u64 = 1 << 32;
    /// Initial biases, plus the layer.
    pub const BIASES: u64 = 2 << 32;
    /// Feedback matrices, plus the loop or layer.
    pub const FEEDBACK: u64 = 3 << 32;
    /// Drawn targets, plus the target's index.
    pub const TARGETS: u64 = 4 << 32;
    /// Drawn initial states, plus the target's index.
    pub const INITIAL_STATE: u64 = 5 << 32;
    /// Noise along trajectories, plus the target's or example's index.
    pub const NOISE: u64 = 6 << 32;
    /// Order of training examples, plus the epoch.
    pub const ORDER: u64 = 7 << 32;
    /// Weights of a teacher, plus the layer.
    pub const TEACHER_WEIGHTS: u64 = 8 << 32;
    /// Biases of a teacher, plus the layer.
    pub const TEACHER_BIASES: u64 = 9 << 32;
    /// Inputs shown to a teacher, plus the set.
    pub const TEACHER_INPUTS: u64 = 10 << 32;
    /// Seeds of repeats and sweep points, plus the point's index.
    pub const SEEDS: u64 = 11 << 32;
    /// Random instances of theory checks, plus the instance's index.
    pub const CHECKS: u64 = 12 << 32;
    /// Drawn inputs beside drawn targets, plus the target's index.
    pub const INPUTS: u64 = 13 << 32;
}

/// The generator for item `stream` of a run with seed `seed`: ChaCha8, one stream per item.
///
/// Streams of one seed are independent and do not depend on the order in which they are used, so
/// results are the same for any number of threads.
#[must_use]
pub fn generator(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream);
    generator
}

/// The seed of repeat or sweep point `index` of a run with seed `seed`.
#[must_use]
pub fn derived_seed(seed: u64, index: u64) -> u64 {
    generator(seed, streams::SEEDS + index).next_u64()
}

/// A uniformly random order of `0..len` (Fisher-Yates on the generator of `stream`).
#[must_use]
pub fn permutation(len: usize, seed: u64, stream: u64) -> Vec<usize> {
    let mut generator = generator(seed, stream);
    let mut order: Vec<usize> = (0..len).collect();
    for last in (1..len).rev() {
        // Drawn as u64: a `usize` range would give another order on 32-bit machines.
        let other = generator.random_range(0..=last as u64) as usize;
        order.swap(last, other);
    }
    order
}
