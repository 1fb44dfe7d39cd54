//! Synthetic tasks: a fixed network, the teacher, labels random inputs (DI, section 4).

use nalgebra::{DMatrix, DVector};
use rand::RngExt;
use rand_distr::StandardNormal;

use super::Dataset;
use crate::network::random::{self, streams};
use crate::network::{Activation, Forward, Initialiser, Layer, Network, NetworkError, Output};

/// Which set of examples to draw; each has inputs of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// Examples to learn from.
    Train,
    /// Examples to test with.
    Test,
}

/// The linear teacher `y = T x` with `T_ij` uniform on `[-1, 1)`: one linear layer without bias.
///
/// # Errors
/// When a size is 0.
pub fn linear(inputs: usize, outputs: usize, seed: u64) -> Result<Network, NetworkError> {
    let initialiser = Initialiser::Uniform { low: -1.0, high: 1.0 };
    let mut weights =
        initialiser.weights_from(&[inputs, outputs], seed, streams::TEACHER_WEIGHTS)?;
    let biases = DVector::zeros(outputs);
    let layer = Layer { weights: weights.remove(0), biases, activation: Activation::Linear };
    Network::new(vec![layer], Output::Linear)
}

/// A teacher of the same shape as the network that learns, weights and biases from `initialiser`
/// (published: uniform on `[-0.01, 0.01)`).
///
/// # Errors
/// When the initialiser or the sizes are refused.
pub fn network(
    sizes: &[usize],
    activations: &[Activation],
    initialiser: Initialiser,
    seed: u64,
) -> Result<Network, NetworkError> {
    let weights = initialiser.weights_from(sizes, seed, streams::TEACHER_WEIGHTS)?;
    let biases = initialiser.biases_from(sizes, seed, streams::TEACHER_BIASES)?;
    Network::from_parameters(sizes, activations, Output::Linear, weights, biases)
}

/// `count` examples with standard normal inputs and the outputs of `teacher` as targets.
///
/// Inputs are drawn one example after the other, so a smaller set is the start of a larger one.
///
/// # Errors
/// When `count` is 0 or an output is not finite.
pub fn examples(
    teacher: &Network,
    count: usize,
    seed: u64,
    set: Set,
) -> Result<Dataset, NetworkError> {
    let mut generator = random::generator(seed, streams::TEACHER_INPUTS + set as u64);
    // nalgebra fills column by column, that is example by example.
    let draw = |_, _| generator.sample::<f64, _>(StandardNormal);
    let mut forward = Forward::new(teacher, count);
    forward.inputs = DMatrix::from_fn(teacher.input_size(), count, draw);
    if count > 0 {
        teacher.propagate(&mut forward);
    }
    let targets = forward.activations.swap_remove(teacher.layers().len() - 1);
    Ok(Dataset::dense(forward.inputs, targets)?)
}
