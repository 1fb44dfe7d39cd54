//! Equilibria of nonlinear loops by damped Newton iteration.

use nalgebra::{DMatrix, DVector};

use crate::dynamics::ReducedEquilibrium;
use crate::linalg::lu::Lu;

/// Newton steps before a loop counts as having no equilibrium; a few suffice near a solution.
const MAX_STEPS: usize = 60;
/// Halvings of one step before it counts as leading nowhere.
const MAX_HALVINGS: usize = 40;
/// A residual this small relative to the error that is inverted counts as zero.
const TOLERANCE: f64 = 1e-13;

/// The full state at rest, started from zero controllers; `None` when the iteration finds none, as
/// when the error is out of the range of a saturating loop.
pub(super) fn equilibrium(reduced: &dyn ReducedEquilibrium) -> Option<Vec<f64>> {
    let n = reduced.dim();
    let (mut z, mut f) = (DVector::zeros(n), DVector::zeros(n));
    let mut jacobian = DMatrix::zeros(n, n);
    reduced.residual(z.as_slice(), f.as_mut_slice());
    let mut norm = f.norm();
    let goal = TOLERANCE * norm;
    for _ in 0..MAX_STEPS {
        if norm <= goal {
            return Some(reduced.lift(z.as_slice()));
        }
        reduced.jacobian(z.as_slice(), &mut jacobian);
        let step = Lu::without_condition(&jacobian).ok()?.solve(&f);
        let mut length = 1.0;
        let (mut trial, mut trial_f) = (z.clone(), f.clone());
        let mut halvings = 0;
        loop {
            trial.copy_from(&z);
            trial.axpy(-length, &step, 1.0);
            reduced.residual(trial.as_slice(), trial_f.as_mut_slice());
            let trial_norm = trial_f.norm();
            // Sufficient decrease (Armijo with the customary 1e-4).
            if trial_norm <= (1.0 - 1e-4 * length) * norm {
                norm = trial_norm;
                break;
            }
            halvings += 1;
            if halvings > MAX_HALVINGS {
                // Rounding may stop progress just above the goal.
                return (norm <= 1e3 * goal).then(|| reduced.lift(z.as_slice()));
            }
            length *= 0.5;
        }
        z.copy_from(&trial);
        f.copy_from(&trial_f);
    }
    None
}
