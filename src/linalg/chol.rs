//! Cholesky factorisation, and positive definiteness proven in floating point.
//!
//! # The proof
//!
//! Let the Cholesky factorisation of a symmetric matrix `S` of size n run to completion in floating
//! point with rounding unit `u`, and let `g = (n+1)u / (1 - (n+1)u)`. The computed factor satisfies
//! `R^T R = S + E` with `|E| <= g |R|^T |R|` whatever the order of the sums (Higham, Accuracy and
//! Stability of Numerical Algorithms, 2nd ed., theorem 10.3). By Cauchy-Schwarz
//! `(|R|^T |R|)_ij <= |r_i| |r_j|` with the columns `r_j` of `R`, and the diagonal of the first
//! equation gives `|r_j|^2 <= s_jj / (1 - g)`, so `|E|_2 <= g/(1-g) tr S`. As `R^T R` is positive
//! semidefinite, the least eigenvalue of `S` is at least `-g/(1-g) tr S` (Demmel 1989; Rump, BIT 46,
//! 2006, theorem 2.3).
//!
//! So if `S = A - c I` with `c` larger than this, than the rounding errors of the subtraction and
//! than the norm of every admissible change of `A`, every matrix admitted is positive definite.
//! Before that a congruence by powers of two brings the diagonal into [1, 4), which is exact up to
//! underflow and makes the test independent of units.

use faer::Par;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{cholesky_in_place, cholesky_in_place_scratch};
use nalgebra::DMatrix;

use super::bridge::{check_finite, check_shape, check_square, exponent_of, power_of_two, view_mut};
use super::error::LinalgError;
use super::gemm::matmul;

/// Rounding unit of f64, `2^-53`.
const UNIT: f64 = f64::EPSILON / 2.0;
/// Covers, per entry, what underflow can do to the scaled matrix: a subnormal result is wrong by at
/// most `2^-1075` and then multiplied by at most `2^538`, the largest factor of the congruence.
const UNDERFLOW: f64 = 1e-150;

/// A symmetric matrix known up to an error: every entry lies within `radius` of `center`.
#[derive(Debug, Clone, PartialEq)]
pub struct SymmetricEnclosure {
    /// Centre, exactly symmetric.
    pub center: DMatrix<f64>,
    /// Bound on the error of every entry, not negative, exactly symmetric.
    pub radius: DMatrix<f64>,
}

/// Lower triangular `L` with `A = L L^T`; only the lower triangle of `A` is read.
///
/// # Errors
/// Entries that are not finite, a matrix that is not square, one that is not positive definite.
pub fn cholesky(a: &DMatrix<f64>) -> Result<DMatrix<f64>, LinalgError> {
    let n = check_square(a)?;
    check_finite(a)?;
    let mut l = a.lower_triangle();
    let request = cholesky_in_place_scratch::<f64>(n, Par::Seq, Default::default());
    cholesky_in_place(
        view_mut(&mut l),
        Default::default(),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(request)),
        Default::default(),
    )
    .map_err(|faer::linalg::cholesky::llt::factor::LltError::NonPositivePivot { index }| {
        LinalgError::NotPositiveDefinite { pivot: index }
    })?;
    l.fill_upper_triangle(0.0, 1);
    Ok(l)
}

/// Whether every symmetric matrix whose entries are within `radius` of those of `a` is positive
/// definite. `true` is a proof (see the module); `false` means not proven.
///
/// Matrices that are not square, not exactly symmetric or not finite are not positive definite, nor
/// is anything proven of a negative or NaN radius.
#[must_use]
pub fn verified_positive_definite(a: &DMatrix<f64>, radius: f64) -> bool {
    let radius = DMatrix::from_element(a.nrows(), a.ncols(), radius);
    verified_positive_definite_within(a, &radius)
}

/// As [`verified_positive_definite`] with a radius for every entry.
#[must_use]
pub fn verified_positive_definite_within(a: &DMatrix<f64>, radius: &DMatrix<f64>) -> bool {
    let n = a.nrows();
    let symmetric = a.is_square() && (0..n).all(|j| (0..j).all(|i| a[(i, j)] == a[(j, i)]));
    let bounded = radius.shape() == a.shape() && radius.iter().all(|&r| r >= 0.0 && r.is_finite());
    if !symmetric || !bounded || !a.iter().all(|x| x.is_finite()) {
        return false;
    }
    if !(0..n).all(|i| a[(i, i)] > 0.0) {
        return false;
    }
    // Congruence D A D with D_ii = 2^-k, 4^k <= a_ii < 4^(k+1).
    let d: Vec<f64> = (0..n).map(|i| power_of_two(-exponent_of(a[(i, i)]).div_euclid(2))).collect();
    let mut s = DMatrix::from_fn(n, n, |i, j| a[(i, j)] * d[i] * d[j]);
    let mut largest_row = 0.0_f64;
    for i in 0..n {
        // The factor rounds the sum of n terms, each with two products, up.
        let sum: f64 = (0..n).map(|j| radius[(i, j)].max(radius[(j, i)]) * d[i] * d[j]).sum();
        largest_row = largest_row.max(sum * (1.0 + (n + 4) as f64 * 2.0 * UNIT));
    }
    let trace: f64 = s.diagonal().sum();
    let terms = (n + 1) as f64 * UNIT;
    let gamma = terms / (1.0 - terms);
    // Subtracting c changes a diagonal entry below 8 by at most 8 u. The last factor pays for the
    // rounding of trace, quotient and sum.
    let shift = (gamma / (1.0 - gamma) * trace + 8.0 * UNIT + largest_row + n as f64 * UNDERFLOW)
        * (1.0 + (n + 10) as f64 * 2.0 * UNIT);
    if !shift.is_finite() || shift >= 1.0 {
        return false;
    }
    for i in 0..n {
        s[(i, i)] -= shift;
    }
    factorises(&mut s)
}

/// Plain Cholesky factorisation of the lower triangle in place: true if every pivot is positive.
/// Written out, so that the error analysis above holds for each of its operations.
fn factorises(s: &mut DMatrix<f64>) -> bool {
    let n = s.nrows();
    let entries = s.as_mut_slice();
    for j in 0..n {
        let (done, rest) = entries.split_at_mut(j * n);
        let column = &mut rest[j..n];
        for previous in done.chunks_exact(n) {
            let factor = previous[j];
            for (x, l) in column.iter_mut().zip(&previous[j..]) {
                *x -= factor * l;
            }
        }
        if column[0].is_nan() || column[0] <= 0.0 {
            return false;
        }
        let pivot = column[0].sqrt();
        column[0] = pivot;
        for x in &mut column[1..] {
            *x /= pivot;
        }
        if !column.iter().all(|x| x.is_finite()) {
            return false;
        }
    }
    true
}

/// Rigorous enclosure of `-(J^T P + P J)` for symmetric `P`, whose positive definiteness with that
/// of `P` proves `x' = J x` asymptotically stable (Lyapunov).
///
/// The product `M = P J` is computed in floating point; whatever the order of its sums, with or
/// without fused operations, its error is at most `g_n |P| |J|` with `g_n = n u/(1 - n u)` (Higham,
/// equation 3.13), and the sum `M + M^T` adds at most `u` times itself. `|P| |J|` is computed with
/// the same relative error and rounded up for it.
///
/// # Errors
/// Shapes that do not fit, entries that are not finite, a `P` that is not exactly symmetric, an
/// overflow of the product.
pub fn enclose_symmetric_form(
    j: &DMatrix<f64>,
    p: &DMatrix<f64>,
) -> Result<SymmetricEnclosure, LinalgError> {
    let n = check_square(j)?;
    check_shape("-(J^T P + P J)", p.shape(), (n, n))?;
    check_finite(j)?;
    check_finite(p)?;
    for column in 0..n {
        if let Some(row) = (0..column).find(|&row| p[(row, column)] != p[(column, row)]) {
            return Err(LinalgError::NotSymmetric { row, column });
        }
    }
    let product = matmul(p, j);
    let size = matmul(&p.abs(), &j.abs());
    let terms = n as f64 * UNIT;
    // 4 g_n instead of g_n pays for the rounding of `size`, of the sums and of this bound; the
    // smallest normal number, for underflow of a product (at most 2^-1075 each).
    let gamma = 4.0 * terms / (1.0 - terms);
    let center = -(&product + product.transpose());
    let radius = DMatrix::from_fn(n, n, |r, c| {
        gamma * (size[(r, c)] + size[(c, r)])
            + 2.0 * UNIT * center[(r, c)].abs()
            + n as f64 * f64::MIN_POSITIVE
    });
    check_finite(&center)?;
    check_finite(&radius)?;
    Ok(SymmetricEnclosure { center, radius })
}
