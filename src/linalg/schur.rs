//! Schur forms with a capped iteration and a checked result.
//!
//! nalgebra's QR iteration has no exceptional shifts, so it cycles for ever on rings, companion
//! matrices of `x^n - 1` and the like, and it passes NaN through. Here it runs with a cap, on a
//! finite matrix; where it cycles it is run again on an orthogonally similar matrix, which breaks the
//! pattern; and no result is returned whose factors do not reproduce the matrix.

use nalgebra::{Complex, ComplexField, DMatrix, DVector, Schur};

use super::bridge::{Entry, check_finite, check_square};
use super::error::LinalgError;

/// Iterations per row before the iteration counts as cycling. It usually needs two or three.
const ITERATIONS_PER_ROW: usize = 30;
/// Bases tried, the given one first. The second one solves nearly all that cycle in the first.
const ATTEMPTS: usize = 8;
/// Largest `|A - Q T Q^H| / (n |A|)` accepted: thousands of rounding errors, far from a failure.
const RESIDUAL: f64 = 1e-12;

/// `A = Q T Q^T`: `Q` orthogonal, `T` block upper triangular with blocks of size one for real
/// eigenvalues and of size two for complex pairs.
#[derive(Debug, Clone, PartialEq)]
pub struct RealSchur {
    /// Orthonormal Schur vectors.
    pub q: DMatrix<f64>,
    /// The quasi-triangular form.
    pub t: DMatrix<f64>,
}

/// `A = Q T Q^H`: `Q` unitary, `T` upper triangular with the eigenvalues on its diagonal.
#[derive(Debug, Clone, PartialEq)]
pub struct ComplexSchur {
    /// Orthonormal Schur vectors.
    pub q: DMatrix<Complex<f64>>,
    /// The triangular form.
    pub t: DMatrix<Complex<f64>>,
}

/// Real Schur form of a real matrix.
///
/// # Errors
/// Entries that are not finite, a matrix that is not square, no convergence.
pub fn real_schur(a: &DMatrix<f64>) -> Result<RealSchur, LinalgError> {
    let (q, t) = schur(a)?;
    Ok(RealSchur { q, t })
}

/// Complex Schur form.
///
/// # Errors
/// As [`real_schur`].
pub fn complex_schur(a: &DMatrix<Complex<f64>>) -> Result<ComplexSchur, LinalgError> {
    let (q, mut t) = schur(a)?;
    t.fill_lower_triangle(Complex::new(0.0, 0.0), 1);
    Ok(ComplexSchur { q, t })
}

/// A real matrix as a complex one.
#[must_use]
pub fn to_complex(a: &DMatrix<f64>) -> DMatrix<Complex<f64>> {
    a.map(|x| Complex::new(x, 0.0))
}

fn schur<T>(a: &DMatrix<T>) -> Result<(DMatrix<T>, DMatrix<T>), LinalgError>
where
    T: ComplexField<RealField = f64> + Entry,
{
    let n = check_square(a)?;
    check_finite(a)?;
    if n == 0 {
        return Ok((a.clone(), a.clone()));
    }
    let largest = a.camax();
    if largest == 0.0 {
        return Ok((DMatrix::identity(n, n), a.clone()));
    }
    let scaled = a.unscale(largest);
    let iterations = ITERATIONS_PER_ROW * n.max(4);
    for attempt in 0..ATTEMPTS {
        let mut basis = DMatrix::identity(n, n);
        let mut turned = scaled.clone();
        if attempt > 0 {
            for v in [reflection::<T>(n, 2 * attempt), reflection::<T>(n, 2 * attempt + 1)] {
                reflect_rows(&mut turned, &v);
                reflect_columns(&mut turned, &v);
                reflect_columns(&mut basis, &v);
            }
        }
        let Some(form) = Schur::try_new(turned, f64::EPSILON, iterations) else { continue };
        let (vectors, t) = form.unpack();
        let q = basis * vectors;
        let residual = (&q * &t * q.adjoint() - &scaled).norm();
        if residual <= RESIDUAL * n as f64 * scaled.norm() {
            return Ok((q, t.scale(largest)));
        }
    }
    Err(LinalgError::NoConvergence {
        what: "the QR iteration for the Schur form",
        size: n,
        iterations: iterations * ATTEMPTS,
    })
}

/// A unit vector without structure: fractional parts of multiples of the golden ratio and of the
/// root of two, which no pattern of the matrix follows. The same every time, so results repeat.
fn reflection<T: ComplexField<RealField = f64>>(n: usize, index: usize) -> DVector<T> {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let v = DVector::from_fn(n, |i, _| {
        let step = (i + 1) as f64 * GOLDEN + (index * (i + 2)) as f64 * std::f64::consts::SQRT_2;
        T::from_real(step.fract() - 0.5)
    });
    v.normalize()
}

/// `A <- (I - 2 v v^T) A` for a real unit vector.
fn reflect_rows<T: ComplexField<RealField = f64>>(a: &mut DMatrix<T>, v: &DVector<T>) {
    let row = a.tr_mul(v);
    a.ger(T::from_real(-2.0), v, &row, T::one());
}

/// `A <- A (I - 2 v v^T)` for a real unit vector.
fn reflect_columns<T: ComplexField<RealField = f64>>(a: &mut DMatrix<T>, v: &DVector<T>) {
    let column = &*a * v;
    a.ger(T::from_real(-2.0), &column, v, T::one());
}
