//! The Lyapunov equation `A X + X A^T + Q = 0`.
//!
//! For `A` with all eigenvalues on one side of the imaginary axis the solution is half the corner of
//! the matrix sign of `[[A, Q], [0, -A^T]]`, found by Newton's iteration (Roberts, Int. J. Control
//! 32, 1980; Higham, Functions of Matrices, chapter 5): matrix products and LU factorisations only.
//! Where that does not apply, eigenvalues decide whether there is a unique solution, and a Schur
//! method finds it. All of it happens in balanced coordinates.

use nalgebra::{Complex, DMatrix};

use super::balance::{Balanced, balance};
use super::bridge::{check_finite, check_shape, check_square, normalise};
use super::eigen::eigenvalues_with_conditions;
use super::error::LinalgError;
use super::gemm::{matmul, matmul_nt_into};
use super::lu::Lu;
use super::sylvester::sylvester;

const EQUATION: &str = "A X + X A^T + Q = 0";
/// Newton steps. About ten are usual; each halves the distance (in the exponent) of an eigenvalue
/// near the axis, so this reaches beyond the rounding unit.
const MAX_STEPS: usize = 64;
/// Convergence is quadratic: a step this small (relative) leaves an error of its square.
const LAST_STEP: f64 = 1e-8;
/// Scaling stops here: near the limit it would only disturb (Higham, section 5.5).
const UNSCALED_BELOW: f64 = 1e-2;
/// A relative residual beyond this is worth one step of refinement.
const REFINE_ABOVE: f64 = 1e-14;

/// How a Lyapunov equation was solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LyapunovMethod {
    /// Newton's iteration for the matrix sign.
    SignIteration,
    /// Complex Schur form and back substitution (Bartels & Stewart).
    Schur,
}

/// Solution of a Lyapunov equation and how well it satisfies it.
#[derive(Debug, Clone, PartialEq)]
pub struct LyapunovSolution {
    /// `X`; exactly symmetric if `Q` is.
    pub x: DMatrix<f64>,
    /// `|A X + X A^T + Q|_F / (2 |A|_F |X|_F + |Q|_F)` in balanced coordinates.
    pub residual: f64,
    /// The method used.
    pub method: LyapunovMethod,
    /// Newton steps taken by the sign iteration; 0 for the Schur method.
    pub steps: usize,
}

/// Solves `A X + X A^T + Q = 0`, `A` and `Q` n x n; `Q` need not be symmetric. For the other form
/// `A^T P + P A + Q = 0` pass the transpose of `A`.
///
/// # Errors
/// Shapes that do not fit, entries that are not finite, and [`LinalgError::SingularEquation`] when
/// two eigenvalues sum to zero within their rounding errors.
pub fn lyapunov(a: &DMatrix<f64>, q: &DMatrix<f64>) -> Result<LyapunovSolution, LinalgError> {
    let n = check_square(a)?;
    check_shape(EQUATION, q.shape(), (n, n))?;
    check_finite(a)?;
    check_finite(q)?;
    let mut balanced = balance(a);
    let unit = normalise(&mut balanced.matrix);
    let scaled_q = to_balanced(&balanced, q, 1.0 / unit);
    let mut solution = solve_balanced(&balanced.matrix, &scaled_q)?;
    // So small a forcing for so large a solution: decide whether the equation is singular.
    let effect = 2.0 * balanced.matrix.norm() * solution.x.norm() * n as f64 * f64::EPSILON;
    if effect >= scaled_q.norm() && effect > 0.0 {
        refuse_singular(a)?;
    }
    if q.iter().zip(q.transpose().iter()).all(|(x, y)| x == y) {
        let transposed = solution.x.transpose();
        solution.x.zip_apply(&transposed, |x, y| *x = 0.5 * (*x + y));
    }
    solution.x = from_balanced(&balanced, &solution.x);
    check_finite(&solution.x)?;
    Ok(solution)
}

/// Solves, refines once if that helps, and measures the residual.
fn solve_balanced(a: &DMatrix<f64>, q: &DMatrix<f64>) -> Result<LyapunovSolution, LinalgError> {
    let mut solution = solve_once(a, q)?;
    let (rest, residual) = defect(a, q, &solution.x);
    solution.residual = residual;
    if residual > REFINE_ABOVE {
        let refined = &solution.x + solve_once(a, &rest)?.x;
        let (_, better) = defect(a, q, &refined);
        if better < residual {
            solution.x = refined;
            solution.residual = better;
        }
    }
    Ok(solution)
}

/// `A X + X A^T + Q` and its relative size.
fn defect(a: &DMatrix<f64>, q: &DMatrix<f64>, x: &DMatrix<f64>) -> (DMatrix<f64>, f64) {
    let mut defect = matmul(a, x);
    matmul_nt_into(1.0, x, a, 1.0, &mut defect);
    defect += q;
    let scale = 2.0 * a.norm() * x.norm() + q.norm();
    let relative = if scale == 0.0 { 0.0 } else { defect.norm() / scale };
    (defect, relative)
}

fn solve_once(a: &DMatrix<f64>, q: &DMatrix<f64>) -> Result<LyapunovSolution, LinalgError> {
    if let Some((x, steps)) = sign_iteration(a, q) {
        let method = LyapunovMethod::SignIteration;
        return Ok(LyapunovSolution { x, residual: 0.0, method, steps });
    }
    refuse_singular(a)?;
    let x = sylvester(a, &a.transpose(), &-q).map_err(named)?.x;
    Ok(LyapunovSolution { x, residual: 0.0, method: LyapunovMethod::Schur, steps: 0 })
}

/// The Sylvester solver's refusal in terms of this equation.
fn named(error: LinalgError) -> LinalgError {
    match error {
        LinalgError::SingularEquation { first, second, .. } => {
            LinalgError::SingularEquation { equation: EQUATION, first, second }
        }
        other => other,
    }
}

/// `X` and the number of steps if all eigenvalues of `A` lie on one side of the imaginary axis.
fn sign_iteration(a: &DMatrix<f64>, q: &DMatrix<f64>) -> Option<(DMatrix<f64>, usize)> {
    let n = a.nrows();
    let (mut z, mut w) = (a.clone(), q.clone());
    let mut change = f64::INFINITY;
    for step in 1..=MAX_STEPS {
        let inverse = Lu::without_condition(&z).ok()?.inverse();
        let scale = if change < UNSCALED_BELOW { 1.0 } else { (inverse.norm() / z.norm()).sqrt() };
        if !scale.is_finite() || scale == 0.0 {
            return None;
        }
        let product = matmul(&inverse, &w);
        matmul_nt_into(0.5 / scale, &product, &inverse, 0.5 * scale, &mut w);
        let mut difference = 0.0;
        z.zip_apply(&inverse, |z, i| {
            let next = 0.5 * (scale * *z + i / scale);
            difference += (next - *z) * (next - *z);
            *z = next;
        });
        change = difference.sqrt() / z.norm();
        if change.is_nan() {
            return None;
        }
        if change <= LAST_STEP {
            return on_one_side(&z, n).map(|side| (w * (-0.5 * side), step));
        }
    }
    None
}

/// -1 or 1 if the matrix sign is minus or plus the identity.
fn on_one_side(sign: &DMatrix<f64>, n: usize) -> Option<f64> {
    let side = sign.trace().signum();
    let distance = (sign - DMatrix::from_diagonal_element(n, n, side)).norm();
    // Signs of matrices with eigenvalues on both sides are at a distance of at least 2.
    (distance < 0.5).then_some(side)
}

/// Refuses matrices with two eigenvalues (or one, twice) that sum to zero within their errors.
fn refuse_singular(a: &DMatrix<f64>) -> Result<(), LinalgError> {
    let spectrum = eigenvalues_with_conditions(a)?;
    let errors = spectrum.errors.expect("asked for above");
    let floor = f64::EPSILON * spectrum.balanced_norm;
    for (k, first) in spectrum.values.iter().enumerate() {
        for (second, error) in spectrum.values.iter().zip(&errors).skip(k) {
            let sum: Complex<f64> = first + second;
            if sum.norm() <= errors[k] + error + floor {
                return Err(LinalgError::SingularEquation {
                    equation: EQUATION,
                    first: *first,
                    second: *second,
                });
            }
        }
    }
    Ok(())
}

/// `factor D^-1 P^T Q P D^-1`.
fn to_balanced(balanced: &Balanced, q: &DMatrix<f64>, factor: f64) -> DMatrix<f64> {
    let Balanced { order, scale, .. } = balanced;
    DMatrix::from_fn(q.nrows(), q.ncols(), |i, j| {
        q[(order[i], order[j])] / scale[i] / scale[j] * factor
    })
}

/// `P D X D P^T`.
fn from_balanced(balanced: &Balanced, x: &DMatrix<f64>) -> DMatrix<f64> {
    let Balanced { order, scale, .. } = balanced;
    let mut out = DMatrix::zeros(x.nrows(), x.ncols());
    for j in 0..x.ncols() {
        for i in 0..x.nrows() {
            out[(order[i], order[j])] = x[(i, j)] * scale[i] * scale[j];
        }
    }
    out
}
