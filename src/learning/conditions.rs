//! The conditions of deep feedback control, measured on a learner.

use super::batch::Batch;
use super::learner::Learner;
use super::rule::Pass;
use crate::feedback::{input_norm_variation, row_space_share};
use crate::network::Forward;

/// Condition 2 of Meulemans et al. 2021 on the examples of `batch`: the share of `Q` in the row space
/// of the Jacobian of the output, 1 when the condition holds; the mean over the examples where it is
/// defined. `None` for rules without `Q`.
#[must_use]
pub fn row_space(learner: &Learner, batch: &Batch) -> Option<f64> {
    let forward = forward(learner, batch);
    let network = learner.network();
    let slopes = [];
    let pass = Pass { network, forward: &forward, slopes: &slopes, slope_power: 1, clip: None };
    let share = |c: usize| {
        let q = learner.rule().controller_feedback(&pass, c)?;
        row_space_share(&network.output_jacobian_blocks(&forward, c), &q)
    };
    let shares: Vec<f64> = (0..forward.columns()).filter_map(share).collect();
    (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
}

/// Condition 1 of Meulemans et al. 2021 on the examples of `batch`: the coefficient of variation of
/// the squared norms of the layers' inputs, 0 when the condition holds.
#[must_use]
pub fn condition_1(learner: &Learner, batch: &Batch) -> f64 {
    let forward = forward(learner, batch);
    let layers = learner.network().layers().len();
    let inputs: Vec<_> = (0..layers).map(|l| forward.layer_input(l)).collect();
    input_norm_variation(&inputs)
}

fn forward(learner: &Learner, batch: &Batch) -> Forward {
    let mut forward = Forward::new(learner.network(), batch.examples());
    forward.inputs.copy_from(&batch.inputs);
    learner.network().propagate(&mut forward);
    forward
}
