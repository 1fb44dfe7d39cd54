//! The network's activity at the input of `[target]`.

use nalgebra::DMatrix;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal, Uniform};

use super::columns;
use super::examples::Choice;
use crate::model::spec::{DrawnInput, Input, Source, Target};
use crate::model::{Model, ModelError};
use crate::network::random::{generator, streams};
use crate::network::{Forward, Network};

/// Inputs, activity and, for examples, desired outputs; one column per target, or a single column
/// where all targets share one input.
pub struct OperatingPoint {
    /// Inputs and activity of every layer.
    pub forward: Forward,
    /// One-hot outputs of the examples, `n_L x targets`.
    pub desired: Option<DMatrix<f64>>,
    /// Labels of the examples.
    pub labels: Option<Vec<usize>>,
}

/// Runs the network at the input of the target, if it has one.
pub(super) fn build(
    model: &Model,
    network: &Network,
    target: &Target,
) -> Result<Option<OperatingPoint>, ModelError> {
    let chosen = match target.source() {
        Some(Source::Example(example)) => Some(Choice::one(example)),
        Some(Source::Examples(several)) => Some(Choice::several(several)),
        _ => None,
    };
    let (inputs, desired, labels) = match (chosen, &target.input) {
        (Some(choice), _) => {
            let chosen = choice.read(model, network)?;
            (chosen.inputs, Some(chosen.desired), Some(chosen.labels))
        }
        (None, Some(input)) => (given_input(model, network, target, input)?, None, None),
        (None, None) => return Ok(None),
    };
    let mut forward = Forward::new(network, inputs.ncols());
    network
        .forward(inputs.as_slice(), &mut forward)
        .map_err(|e| model.refused("target.input", &e))?;
    Ok(Some(OperatingPoint { forward, desired, labels }))
}

fn given_input(
    model: &Model,
    network: &Network,
    target: &Target,
    input: &Input,
) -> Result<DMatrix<f64>, ModelError> {
    let count = target.count().unwrap_or(1);
    let drawn = |sample: &dyn Fn(&mut ChaCha8Rng) -> f64| {
        let mut inputs = DMatrix::zeros(network.input_size(), count);
        for (index, mut column) in inputs.column_iter_mut().enumerate() {
            let seed = model.specification().seed;
            let mut generator = generator(seed, streams::INPUTS + index as u64);
            column.iter_mut().for_each(|x| *x = sample(&mut generator));
        }
        inputs
    };
    match input {
        Input::Values(values) => {
            let inputs = columns(values.vectors());
            // Every desired output is compared with an output of its own.
            let shared = inputs.ncols() == 1 && matches!(target.source(), Some(Source::Output(_)));
            let repeat =
                |input: &DMatrix<f64>| DMatrix::from_fn(input.nrows(), count, |i, _| input[i]);
            Ok(if shared { repeat(&inputs) } else { inputs })
        }
        Input::Drawn(DrawnInput::Normal { scale }) => {
            let normal = |g: &mut ChaCha8Rng| -> f64 { StandardNormal.sample(g) };
            Ok(drawn(&|g| scale * normal(g)))
        }
        Input::Drawn(DrawnInput::Uniform { low, high }) => {
            let uniform =
                Uniform::new(*low, *high).map_err(|e| model.refused("target.input.uniform", &e))?;
            Ok(drawn(&|g| uniform.sample(g)))
        }
    }
}
