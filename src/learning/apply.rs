//! One rule applied to a forward pass, without learning.

use nalgebra::DMatrix;

use super::LearningError;
use super::rule::{Errors, Pass, Rule};
use crate::network::{Forward, Network};

/// The errors that `rule` carries to every layer for the output errors `error` (`n_L x columns`) of
/// a forward pass; hidden errors are multiplied by the slope once and not limited.
///
/// # Errors
/// What makes `rule` stop.
///
/// # Panics
/// When `error` does not fit `forward`.
pub fn carried(
    network: &Network,
    forward: &Forward,
    error: &DMatrix<f64>,
    rule: &mut dyn Rule,
) -> Result<Errors, LearningError> {
    let mut errors = Errors::new(network, forward.columns());
    let top = errors.delta.len() - 1;
    errors.delta[top].copy_from(error);
    let mut slopes: Vec<_> = errors.delta[..top].to_vec();
    for (l, slope) in slopes.iter_mut().enumerate() {
        network.slopes(forward, l, slope.as_mut_slice());
    }
    let pass = Pass { network, forward, slopes: &slopes, slope_power: 1, clip: None };
    rule.refresh();
    rule.carry(&pass, &mut errors)?;
    Ok(errors)
}
