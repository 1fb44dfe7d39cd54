//! Eigenvalues of a general real matrix, with what is needed to judge them.
//!
//! The matrix is balanced (order and units, see the module `balance`), reduced to Hessenberg form
//! and brought to Schur form by faer's multishift QR iteration with aggressive early deflation
//! (Braman, Byers & Mathias, SIAM J. Matrix Anal. Appl. 23, 2002), which is capped. The first two
//! moments `sum l = tr A` and `sum l^2 = tr A^2` are checked for every block, so a block that has
//! not converged is never passed on.

use std::ops::Range;

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, evd_real, evd_scratch};
use faer::{Col, Par};
use nalgebra::{Complex, DMatrix};

use super::balance::{Balanced, balance};
use super::bridge::{check_finite, check_square, normalise, parallelism, view, view_mut};
use super::eigen_order::descending_order;
use super::error::LinalgError;

/// Iterations per eigenvalue after which faer's QR iteration gives up.
const ITERATIONS_PER_VALUE: usize = 30;
/// Moments may differ by this much times size and norm: thousands of times the rounding error of a
/// backward-stable method, far less than the error of an iteration that has not converged.
const MOMENT_TOLERANCE: f64 = 1e-12;

/// What to compute beside the eigenvalues.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EigenOptions {
    /// Condition numbers and error estimates; about doubles the time.
    pub conditions: bool,
    /// Right and left eigenvectors.
    pub vectors: bool,
}

/// The eigenvalues of a real matrix: complex ones in exact conjugate pairs.
///
/// Ordered by falling real part; real parts that agree within 1e-10 of the norm count as equal and
/// then the larger frequency comes first; of a pair, the positive imaginary part comes first.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    /// The eigenvalues.
    pub values: Vec<Complex<f64>>,
    /// Frobenius norm of the balanced matrix, the scale of rounding errors.
    pub balanced_norm: f64,
    /// Condition number `|x| |y| / |y^H x|` of every eigenvalue in the units of the matrix given:
    /// a perturbation E of the matrix moves the eigenvalue by at most `condition |E|_2` to first
    /// order. 1 is best; infinite when the eigenvalue is defective to working precision.
    pub conditions: Option<Vec<f64>>,
    /// Estimated rounding error of every computed eigenvalue: see [`rounding_error`].
    pub errors: Option<Vec<f64>>,
    /// Right eigenvectors as columns of unit 2-norm: `A x = l x`.
    pub right: Option<DMatrix<Complex<f64>>>,
    /// Left eigenvectors as columns of unit 2-norm: `y^H A = l y^H`.
    pub left: Option<DMatrix<Complex<f64>>>,
}

impl Spectrum {
    /// Largest real part; negative infinity for an empty matrix.
    #[must_use]
    pub fn abscissa(&self) -> f64 {
        self.values.iter().fold(f64::NEG_INFINITY, |m, l| m.max(l.re))
    }

    /// Largest absolute value; 0 for an empty matrix.
    #[must_use]
    pub fn radius(&self) -> f64 {
        self.values.iter().fold(0.0, |m, l| m.max(l.re.hypot(l.im)))
    }
}

/// The eigenvalues of a square matrix.
///
/// From size 512 on the work is shared on rayon's current pool; the result is the same bits for a
/// pool of any size.
///
/// # Errors
/// NaN or infinite entries (with the position), a matrix that is not square, no convergence.
pub fn eigenvalues(a: &DMatrix<f64>) -> Result<Spectrum, LinalgError> {
    eigen(a, &EigenOptions::default())
}

/// The eigenvalues of a square matrix and their condition numbers and error estimates.
///
/// # Errors
/// As [`eigenvalues`].
pub fn eigenvalues_with_conditions(a: &DMatrix<f64>) -> Result<Spectrum, LinalgError> {
    eigen(a, &EigenOptions { conditions: true, ..EigenOptions::default() })
}

/// The eigenvalues of a square matrix and what `options` ask for.
///
/// # Errors
/// As [`eigenvalues`]; with `vectors` also [`LinalgError::Defective`] when an eigenvector cannot be
/// represented because the matrix is too close to one with a long Jordan chain.
pub fn eigen(a: &DMatrix<f64>, options: &EigenOptions) -> Result<Spectrum, LinalgError> {
    let n = check_square(a)?;
    check_finite(a)?;
    let par = parallelism(n);
    let balanced = balance(a);
    if options.conditions || options.vectors {
        return super::eigen_vectors::with_vectors(&balanced, options, par);
    }
    let mut values = Vec::with_capacity(n);
    for block in &balanced.blocks {
        values.extend(block_values(&balanced.matrix, block, par)?);
    }
    let norm = balanced.matrix.norm();
    let order = descending_order(&values, norm);
    Ok(Spectrum {
        values: order.iter().map(|&k| values[k]).collect(),
        balanced_norm: norm,
        conditions: None,
        errors: None,
        right: None,
        left: None,
    })
}

/// The eigenvalues of one diagonal block, complex pairs adjacent with the positive part first.
fn block_values(
    matrix: &DMatrix<f64>,
    block: &Range<usize>,
    par: Par,
) -> Result<Vec<Complex<f64>>, LinalgError> {
    if block.len() == 1 {
        return Ok(vec![Complex::new(matrix[(block.start, block.start)], 0.0)]);
    }
    let mut part = matrix.view((block.start, block.start), (block.len(), block.len())).into_owned();
    let unit = normalise(&mut part);
    let raw = schur_values(&part, false, par)?;
    check_moments(&part, &(0..part.nrows()), &raw.values)?;
    Ok(raw.values.into_iter().map(|l| l * unit).collect())
}

/// Eigenvalues in the order of the Schur form and, if wanted, faer's real vectors: of a complex pair
/// in columns k, k + 1 the right vector of the positive part is `right_k + i right_{k+1}`.
pub(super) struct Raw {
    pub values: Vec<Complex<f64>>,
    pub right: Option<DMatrix<f64>>,
    pub left: Option<DMatrix<f64>>,
}

/// Calls faer on a matrix whose entries are at most 2 in size.
pub(super) fn schur_values(a: &DMatrix<f64>, vectors: bool, par: Par) -> Result<Raw, LinalgError> {
    let n = a.nrows();
    // What the iteration does not reach stays NaN and fails the moment check.
    let mut re = Col::full(n, f64::NAN);
    let mut im = Col::full(n, f64::NAN);
    let zeros = || vectors.then(|| DMatrix::zeros(n, n));
    let (mut left, mut right) = (zeros(), zeros());
    let wanted = if vectors { ComputeEigenvectors::Yes } else { ComputeEigenvectors::No };
    let scratch = evd_scratch::<f64>(n, wanted, wanted, par, Default::default());
    evd_real(
        view(a),
        re.as_mut().as_diagonal_mut(),
        im.as_mut().as_diagonal_mut(),
        left.as_mut().map(view_mut),
        right.as_mut().map(view_mut),
        par,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    )
    .map_err(|_| no_convergence(n))?;
    let values = pair_up(&re, &im).ok_or_else(|| no_convergence(n))?;
    Ok(Raw { values, right, left })
}

/// Exact conjugate pairs, positive imaginary part first; `None` if the parts do not pair up.
fn pair_up(re: &Col<f64>, im: &Col<f64>) -> Option<Vec<Complex<f64>>> {
    let mut values = Vec::with_capacity(re.nrows());
    let mut k = 0;
    while k < re.nrows() {
        if im[k] == 0.0 {
            values.push(Complex::new(re[k], 0.0));
            k += 1;
        } else {
            // Compared by sign: the product of two subnormal parts would be zero.
            if k + 1 == re.nrows() || im[k].signum() == im[k + 1].signum() || im[k + 1] == 0.0 {
                return None;
            }
            let value = Complex::new(re[k], im[k].abs());
            values.extend([value, value.conj()]);
            k += 2;
        }
    }
    Some(values)
}

/// Compares trace and trace of the square with the eigenvalues found for a diagonal block.
pub(super) fn check_moments(
    a: &DMatrix<f64>,
    block: &Range<usize>,
    values: &[Complex<f64>],
) -> Result<(), LinalgError> {
    let (mut trace, mut trace_of_square, mut square_norm) = (0.0, 0.0, 0.0);
    for j in block.clone() {
        trace += a[(j, j)];
        for i in block.start..=j {
            let product = a[(i, j)] * a[(j, i)];
            trace_of_square += if i == j { product } else { 2.0 * product };
            square_norm += a[(i, j)].powi(2) + if i == j { 0.0 } else { a[(j, i)].powi(2) };
        }
    }
    let first: f64 = values.iter().map(|l| l.re).sum();
    let second: f64 = values.iter().map(|l| l.re * l.re - l.im * l.im).sum();
    let tolerance = MOMENT_TOLERANCE * block.len() as f64;
    let agree = (first - trace).abs() <= tolerance * square_norm.sqrt()
        && (second - trace_of_square).abs() <= tolerance * square_norm;
    if agree { Ok(()) } else { Err(no_convergence(block.len())) }
}

fn no_convergence(size: usize) -> LinalgError {
    LinalgError::NoConvergence {
        what: "the QR iteration for the eigenvalues",
        size,
        iterations: ITERATIONS_PER_VALUE * size.max(10),
    }
}

/// Estimated rounding error of an eigenvalue of condition `condition` of a balanced irreducible
/// block of `size` with Frobenius norm `norm`.
///
/// QR iteration returns the exact eigenvalues of a matrix within `|E| = size eps norm` of the block
/// (with at least 8 for the size; the error observed is smaller). To first order they move by
/// `condition |E|`; for all perturbations by at most `(2 norm + |E|)^(1-1/m) |E|^(1/m)` (Elsner,
/// Linear Algebra Appl. 71, 1985), which is what remains for defective eigenvalues. The smaller of
/// the two is returned; a block of size one is exact. As balancing removes units and order, the
/// estimate does not change when the units of the states do. It errs on the safe side for
/// eigenvalues that are repeated but not defective, whose computed vectors are arbitrary.
#[must_use]
pub fn rounding_error(size: usize, norm: f64, condition: f64) -> f64 {
    if size <= 1 || norm == 0.0 {
        return 0.0;
    }
    let backward = size.max(8) as f64 * f64::EPSILON * norm;
    let root = 1.0 / size as f64;
    let elsner = (2.0 * norm + backward).powf(1.0 - root) * backward.powf(root);
    // `min` passes over a condition that is infinite.
    (condition * backward).min(elsner)
}

/// Norm of one diagonal block.
pub(super) fn block_norm(balanced: &Balanced, block: &Range<usize>) -> f64 {
    balanced.matrix.view((block.start, block.start), (block.len(), block.len())).norm()
}
