//! The conditions of deep feedback control, measured on a learner.

use super::LearningError;
use super::batch::Batch;
use super::learner::Learner;
use super::rule::Pass;
use crate::analysis::AnalysisError;
use crate::analysis::equilibria::{NewtonOptions, Start, column_jacobian, find_equilibria};
use crate::analysis::spectrum::spectrum_of;
use crate::dynamics::{DeepFeedbackControl, Dynamics};
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

/// Condition 3 of Meulemans et al. 2021 on the examples of `batch`: the largest real part of the
/// eigenvalues of the controlled network at its equilibrium, 1/s, the largest of all examples that
/// have one; negative when the condition, local stability, holds. `None` for rules without control in
/// time.
///
/// # Errors
/// Parts that do not fit; eigenvalue iterations that fail.
pub fn control_abscissa(learner: &Learner, batch: &Batch) -> Result<Option<f64>, LearningError> {
    let mut largest = None;
    for c in 0..batch.examples() {
        let mut forward = Forward::new(learner.network(), 1);
        forward.inputs.copy_from(&batch.inputs.columns(c, 1));
        learner.network().propagate(&mut forward);
        let error = batch.targets.columns(c, 1) - forward.output();
        let network = learner.network();
        let pass = Pass { network, forward: &forward, slopes: &[], slope_power: 1, clip: None };
        let Some(control) = learner.rule().controlled(&pass, &error)? else { return Ok(None) };
        let found = match at_rest(&control) {
            Some(y) => abscissa(&control, &y)?,
            None => f64::NAN,
        };
        // The larger of two ignores what is no number.
        largest = Some(largest.unwrap_or(f64::NAN).max(found));
    }
    Ok(largest)
}

/// The state of one controlled example at rest.
fn at_rest(control: &DeepFeedbackControl) -> Option<Vec<f64>> {
    let starts = [Start { name: "initial".to_owned(), state: control.initial_state() }];
    let found = find_equilibria(control, 0, 0.0, &starts, NewtonOptions::default());
    found.equilibria.into_iter().next().map(|rest| rest.state)
}

/// The spectral abscissa at `y`.
fn abscissa(control: &DeepFeedbackControl, y: &[f64]) -> Result<f64, AnalysisError> {
    let jacobian = || column_jacobian(control, 0.0, y, 0);
    Ok(spectrum_of(&control.structure(0.0, y, 0), jacobian)?.abscissa())
}

fn forward(learner: &Learner, batch: &Batch) -> Forward {
    let mut forward = Forward::new(learner.network(), batch.examples());
    forward.inputs.copy_from(&batch.inputs);
    learner.network().propagate(&mut forward);
    forward
}
