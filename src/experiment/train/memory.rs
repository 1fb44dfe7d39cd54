//! What a training needs in memory, known before it starts.

use crate::model::Model;
use crate::model::spec::Data;

/// Copies of the weights per rule: weights, feedback, gradients, scratch.
const WEIGHT_COPIES: u64 = 4;

/// Examples of a data file whose length is not in the model: that of MNIST.
const USUAL: usize = 70_000;

/// Bytes of the networks of all rules and of the data; `None` for a model that does not train.
pub(in crate::experiment) fn training_memory(model: &Model) -> Option<u64> {
    let specification = model.specification();
    let training = specification.training.as_ref()?;
    let sizes = &specification.network.as_ref()?.sizes;
    let examples = match &training.data {
        Data::Teacher(teacher) => teacher.train_count.saturating_add(teacher.test_count),
        Data::Idx(idx) => match (idx.train_first, idx.test_first) {
            (Some(train), Some(test)) => train.saturating_add(test),
            (Some(train), None) => train.saturating_add(10_000),
            _ => USUAL,
        },
        Data::Arrays(_) => USUAL,
        Data::Values(values) => values.train_inputs.len(),
    };
    let product = |n: usize, m: usize| (n as u64).saturating_mul(m as u64);
    let pairs = sizes.windows(2).map(|pair| product(pair[0], pair[1]));
    let weights = pairs.fold(0, u64::saturating_add);
    let networks = WEIGHT_COPIES * (1 + training.rules.len() as u64);
    let data = product(examples, sizes[0] + sizes[sizes.len() - 1]);
    Some(weights.saturating_mul(networks).saturating_add(data).saturating_mul(8))
}
