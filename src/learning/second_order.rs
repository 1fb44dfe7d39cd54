//! Steps of Gauss-Newton type as rules.

use super::LearningError;
use super::rule::{Errors, Pass, limit};
use crate::analysis::geometry::{Geometry, StepKind};

/// Columns of the stacked Jacobians carried through the network at a time: enough for products of
/// matrices, few enough for the cache.
const STACKED: usize = 640;

/// Replaces the errors of all layers by those of a step, the output layer's included.
pub(super) fn carry(
    pass: &Pass<'_>,
    errors: &mut Errors,
    kind: &StepKind,
) -> Result<(), LearningError> {
    let top = errors.delta.len() - 1;
    let columns = errors.delta[top].ncols();
    let chunk = (STACKED / pass.network.output_size()).max(1);
    for first in (0..columns).step_by(chunk) {
        let range = first..(first + chunk).min(columns);
        let geometry = Geometry::new(pass.network, pass.forward, &errors.delta[top], range.clone());
        let step = geometry
            .step(kind)
            .map_err(|source| LearningError::Linalg { layer: top + 1, source })?;
        for (delta, step) in errors.delta.iter_mut().zip(&step.delta) {
            delta.columns_mut(range.start, range.len()).copy_from(step);
        }
    }
    for (k, delta) in errors.delta[..top].iter_mut().enumerate() {
        limit(pass, k, delta);
    }
    Ok(())
}
