//! What `dinv train` would do with a model.

use serde::Serialize;

use crate::experiment::train::training_memory;
use crate::model::Model;
use crate::model::spec::{Data, Training};

/// The size of a training.
#[derive(Debug, Clone, Serialize)]
pub struct TrainingEstimate {
    /// Rules trained side by side.
    pub rules: usize,
    /// Updates of each, where they are known without reading the data.
    pub steps: Option<usize>,
    /// Passes over the data, where those are given instead.
    pub epochs: Option<usize>,
    /// Examples per update.
    pub batch: usize,
    /// Weights and biases of the network.
    pub parameters: usize,
    /// Memory of the networks of all rules, their feedback, their updates and the data, bytes.
    pub memory_estimate: u64,
}

/// The size of the training of `model`, if there is one.
pub(super) fn estimate(model: &Model) -> Option<TrainingEstimate> {
    let specification = model.specification();
    let training = specification.training.as_ref()?;
    let sizes = &specification.network.as_ref()?.sizes;
    let parameters = sizes.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum();
    Some(TrainingEstimate {
        rules: training.rules.len(),
        steps: training.steps.or_else(|| steps(training)),
        epochs: training.epochs,
        batch: training.batch.size,
        parameters,
        memory_estimate: training_memory(model)?,
    })
}

/// Updates in the given number of passes over data whose size the model says.
fn steps(training: &Training) -> Option<usize> {
    let examples = match &training.data {
        Data::Teacher(teacher) => teacher.train_count,
        Data::Values(values) => values.train_inputs.len(),
        Data::Idx(_) | Data::Arrays(_) => return None,
    };
    Some(examples.div_ceil(training.batch.size).saturating_mul(training.epochs?))
}
