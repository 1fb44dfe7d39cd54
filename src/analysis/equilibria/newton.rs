//! The damped Newton iteration.

use nalgebra::{DMatrix, DVector};

use super::{NewtonFailure, NewtonOptions};
use crate::dynamics::ReducedEquilibrium;
use crate::linalg::lu::Lu;

/// Smallest damping factor tried.
const SMALLEST_FACTOR: f64 = 1e-10;
/// Relative Newton step below which the iteration has converged, if the residual agrees.
const SMALL_STEP: f64 = 1e-6;
/// Relative weight of the identity when the Jacobian is singular (Levenberg).
const REGULARISATION: f64 = 1e-8;

/// Largest absolute value; NaN if there is one.
pub(super) fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |m, x| if x.is_nan() { f64::NAN } else { m.max(x.abs()) })
}

/// The damped Newton iteration; on failure the smallest residual met and the reason.
pub(super) fn newton(
    equation: &dyn ReducedEquilibrium,
    start: Vec<f64>,
    options: NewtonOptions,
) -> Result<(Vec<f64>, usize), (f64, NewtonFailure)> {
    let n = equation.dim();
    let mut f = DVector::zeros(n);
    let mut constant = vec![0.0; n];
    equation.residual(&vec![0.0; n], &mut constant);
    let constant = largest(&constant);
    let mut z = DVector::from_vec(start);
    let mut jacobian = DMatrix::zeros(n, n);
    let mut best = f64::INFINITY;
    let reach = 1e12 * (1.0 + largest(z.as_slice()) + constant);
    let mut largest_seen = largest(z.as_slice());
    for iteration in 0..=options.iterations {
        equation.residual(z.as_slice(), f.as_mut_slice());
        equation.jacobian(z.as_slice(), &mut jacobian);
        if !jacobian.iter().chain(f.iter()).all(|x| x.is_finite()) {
            return Err((best, NewtonFailure::NotFinite));
        }
        let residual = largest(f.as_slice());
        best = best.min(residual);
        if residual == 0.0 {
            return Ok((z.as_slice().to_vec(), iteration));
        }
        let (solver, step) = newton_step(&jacobian, &f);
        let size = largest(z.as_slice());
        largest_seen = largest_seen.max(size);
        let row_sum = (0..n).map(|i| jacobian.row(i).abs().sum()).fold(0.0, f64::max);
        let terms = row_sum * size + constant;
        if residual <= options.tolerance * terms && largest(step.as_slice()) <= SMALL_STEP * size {
            polish(equation, &solver, &mut z, &step, residual);
            return Ok((z.as_slice().to_vec(), iteration));
        }
        // Zero is reached in the limit only; it is an equilibrium if f vanishes there.
        if constant == 0.0 && size <= options.tolerance * largest_seen {
            return Ok((vec![0.0; n], iteration));
        }
        if size > reach {
            return Err((best, NewtonFailure::Diverged { size }));
        }
        match damped(equation, &solver, &z, &step, residual) {
            Some(next) => z = next,
            None if size > 1e3 * (1.0 + constant) => {
                return Err((best, NewtonFailure::Diverged { size }));
            }
            None => return Err((best, NewtonFailure::Stalled)),
        }
    }
    let size = largest(z.as_slice());
    if size > 1e6 * (1.0 + constant) {
        return Err((best, NewtonFailure::Diverged { size }));
    }
    Err((best, NewtonFailure::Iterations { cap: options.iterations }))
}

/// The factorised Jacobian (or its regularised normal equations) and the Newton step.
struct StepSolver {
    lu: Option<Lu>,
    transposed: Option<DMatrix<f64>>,
}

impl StepSolver {
    fn solve(&self, f: &DVector<f64>) -> DVector<f64> {
        let right = match &self.transposed {
            Some(transposed) => transposed * f,
            None => f.clone(),
        };
        match &self.lu {
            Some(lu) => -lu.solve(&right),
            None => DVector::zeros(f.len()),
        }
    }
}

fn newton_step(jacobian: &DMatrix<f64>, f: &DVector<f64>) -> (StepSolver, DVector<f64>) {
    let direct = Lu::new(jacobian).ok().map(|lu| StepSolver { lu: Some(lu), transposed: None });
    let solver = direct.unwrap_or_else(|| {
        let transposed = jacobian.transpose();
        let mut normal = &transposed * jacobian;
        let weight = REGULARISATION * normal.trace().max(f64::MIN_POSITIVE);
        for i in 0..normal.nrows() {
            normal[(i, i)] += weight;
        }
        StepSolver { lu: Lu::new(&normal).ok(), transposed: Some(transposed) }
    });
    let step = solver.solve(f);
    (solver, step)
}

/// The first of the steps `1, 1/2, 1/4, ..` along `step` that passes the natural monotonicity test.
fn damped(
    equation: &dyn ReducedEquilibrium,
    solver: &StepSolver,
    z: &DVector<f64>,
    step: &DVector<f64>,
    residual: f64,
) -> Option<DVector<f64>> {
    let length = step.norm();
    if length == 0.0 || !length.is_finite() {
        return None;
    }
    let mut factor = 1.0;
    let mut f = DVector::zeros(z.len());
    while factor >= SMALLEST_FACTOR {
        let next = z + step * factor;
        equation.residual(next.as_slice(), f.as_mut_slice());
        if f.iter().all(|x| x.is_finite()) {
            let simplified = solver.solve(&f).norm();
            let falls = simplified <= (1.0 - 0.25 * factor) * length;
            // At rounding level neither test says anything: a residual that does not grow is enough.
            if falls || largest(f.as_slice()) < (1.0 - 0.25 * factor) * residual {
                return Some(next);
            }
        }
        factor *= 0.5;
    }
    None
}

/// One more step where it improves the residual.
fn polish(
    equation: &dyn ReducedEquilibrium,
    solver: &StepSolver,
    z: &mut DVector<f64>,
    step: &DVector<f64>,
    residual: f64,
) {
    if solver.transposed.is_some() {
        return;
    }
    let next = &*z + step;
    let mut f = DVector::zeros(z.len());
    equation.residual(next.as_slice(), f.as_mut_slice());
    if largest(f.as_slice()) < residual {
        *z = next;
    }
}
