//! Equilibria of affine fields.

use std::cell::RefCell;

use nalgebra::DMatrix;

use super::NoClosedForm;
use super::field::VectorField;
use super::small_system::require_regular;
use crate::linalg::lu::Lu;

/// Rounds of refinement: the error shrinks by the condition number times the rounding unit each
/// time, so three rounds reach the limit of any system that is not singular.
const MAX_REFINEMENTS: usize = 8;

/// The zero of an affine field, from a solver of `-J x = b`, refined until the correction no
/// longer shrinks.
pub(crate) fn affine_equilibrium<F: VectorField + ?Sized>(
    field: &F,
    solve: impl Fn(&mut [f64]),
) -> Vec<f64> {
    let mut y = vec![0.0; field.dim()];
    let mut correction = vec![0.0; field.dim()];
    let mut previous = f64::INFINITY;
    for _ in 0..MAX_REFINEMENTS {
        field.eval(0.0, &y, &mut correction);
        solve(&mut correction);
        let size = max_norm(&correction);
        // The first correction is the solution itself; later ones must halve to be worth taking.
        if previous.is_finite() && size > 0.5 * previous {
            break;
        }
        y.iter_mut().zip(&correction).for_each(|(y, c)| *y += c);
        if size == 0.0 || !size.is_finite() {
            break;
        }
        previous = size;
    }
    y
}

fn max_norm(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |norm, x| if x.abs() <= norm { norm } else { x.abs() })
}

/// The zero of an affine field without structure; `system` names its Jacobian in messages.
pub(crate) fn dense_affine_equilibrium<F: VectorField + ?Sized>(
    field: &F,
    system: &str,
) -> Result<Vec<f64>, NoClosedForm> {
    let n = field.dim();
    let mut jacobian = DMatrix::zeros(n, n);
    field.jacobian(0.0, &vec![0.0; n], &mut jacobian);
    let lu = Lu::without_condition(&-jacobian).ok();
    require_regular(system, n, lu.as_ref().map_or(0.0, Lu::rcond))?;
    let lu = lu.expect("a matrix that was not factorised has reciprocal condition 0");
    let work = RefCell::new(vec![0.0; n]);
    Ok(affine_equilibrium(field, |b| lu.solve_in_place(b, &mut work.borrow_mut())))
}
