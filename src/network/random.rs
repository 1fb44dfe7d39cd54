//! The random generator of the whole crate.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

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
