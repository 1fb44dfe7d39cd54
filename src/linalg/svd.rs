//! Singular values, pseudoinverse and condition number.

use faer::Par;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::svd::{ComputeSvdVectors, svd as faer_svd, svd_scratch};
use faer::traits::ComplexField;
use nalgebra::{Complex, DMatrix, DVector};

use super::balance;
use super::bridge::{Entry, check_finite, normalise, view, view_mut};
use super::error::LinalgError;
use super::gemm::matmul_nt;

/// Thin singular value decomposition `A = U diag(s) V^T`, `s` in falling order.
#[derive(Debug, Clone, PartialEq)]
pub struct Svd {
    /// Left singular vectors, rows x min(rows, columns).
    pub u: DMatrix<f64>,
    /// Singular values, largest first.
    pub s: DVector<f64>,
    /// Right singular vectors, columns x min(rows, columns).
    pub v: DMatrix<f64>,
}

/// Moore-Penrose pseudoinverse with the decision about the rank behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Pseudoinverse {
    /// `A^+`, columns x rows.
    pub matrix: DMatrix<f64>,
    /// Number of singular values kept.
    pub rank: usize,
    /// Singular values at or below this were treated as zero.
    pub cutoff: f64,
    /// All singular values, largest first.
    pub singular_values: DVector<f64>,
}

/// Thin singular value decomposition.
///
/// # Errors
/// Entries that are not finite; no convergence.
pub fn svd(a: &DMatrix<f64>) -> Result<Svd, LinalgError> {
    check_finite(a)?;
    let mut scaled = a.clone();
    let unit = normalise(&mut scaled);
    let size = a.nrows().min(a.ncols());
    let mut u = DMatrix::zeros(a.nrows(), size);
    let mut v = DMatrix::zeros(a.ncols(), size);
    let s = decompose(&scaled, Some((&mut u, &mut v)))?;
    Ok(Svd { u, s: s * unit, v })
}

/// Singular values, largest first.
///
/// # Errors
/// As [`svd`].
pub fn singular_values(a: &DMatrix<f64>) -> Result<DVector<f64>, LinalgError> {
    check_finite(a)?;
    let mut scaled = a.clone();
    let unit = normalise(&mut scaled);
    Ok(decompose(&scaled, None)? * unit)
}

/// Smallest singular value of a complex matrix; 0 for an empty one.
///
/// # Errors
/// As [`svd`].
pub fn smallest_singular_value(a: &DMatrix<Complex<f64>>) -> Result<f64, LinalgError> {
    check_finite(a)?;
    let s = decompose(a, None)?;
    Ok(s.as_slice().last().map_or(0.0, |z| z.re))
}

/// `sigma_min(z I - A)`, the distance of `A` to the matrices with eigenvalue `z`.
///
/// A value far below the norm of `A`, as states in very different units give it, would drown in the
/// rounding errors of the large entries. There it is `1 / |(z I - A)^{-1}|_2` with the inverse of the
/// balanced matrix, whose entries keep their digits when they are scaled back.
///
/// # Errors
/// As [`svd`].
pub fn resolvent_distance(a: &DMatrix<f64>, z: Complex<f64>) -> Result<f64, LinalgError> {
    let shifted = shifted(a, z, |_, _| 1.0);
    let distance = smallest_singular_value(&shifted)?;
    if distance > DROWNED * shifted.norm() {
        return Ok(distance);
    }
    let units = balance::units(a);
    let balanced = self::shifted(a, z, |i, j| units[j] / units[i]);
    let Some(inverse) = balanced.lu().try_inverse() else { return Ok(distance) };
    let (rows, columns) = inverse.shape();
    let inverse = DMatrix::from_fn(rows, columns, |i, j| inverse[(i, j)] * (units[i] / units[j]));
    let largest = inverse.iter().fold(0.0_f64, |m, x| m.max(x.norm()));
    if largest == 0.0 || check_finite(&inverse).is_err() {
        return Ok(distance);
    }
    let s = decompose(&inverse.unscale(largest), None)?;
    Ok(s.as_slice().first().map_or(distance, |norm| (norm.re * largest).recip()))
}

/// Singular values below this share of the norm have lost half of their digits to rounding.
const DROWNED: f64 = 1e-8;

/// `z I - A` with entry (i, j) of `A` multiplied by `factor(i, j)`.
fn shifted(
    a: &DMatrix<f64>,
    z: Complex<f64>,
    factor: impl Fn(usize, usize) -> f64,
) -> DMatrix<Complex<f64>> {
    DMatrix::from_fn(a.nrows(), a.ncols(), |i, j| {
        let entry = Complex::new(-a[(i, j)] * factor(i, j), 0.0);
        if i == j { z + entry } else { entry }
    })
}

/// Ratio of the largest to the smallest singular value; infinite for a singular matrix, 1 for an
/// empty one.
///
/// # Errors
/// As [`svd`].
pub fn condition_number(a: &DMatrix<f64>) -> Result<f64, LinalgError> {
    let s = singular_values(a)?;
    match s.as_slice() {
        [] => Ok(1.0),
        [.., last] if *last == 0.0 => Ok(f64::INFINITY),
        [first, .., last] => Ok(first / last),
        [_] => Ok(1.0),
    }
}

/// The usual cutoff below which a singular value counts as rounding error:
/// `max(rows, columns) eps s_max` (Golub & Van Loan, Matrix Computations, section 5.4.1).
#[must_use]
pub fn default_cutoff(rows: usize, columns: usize, largest: f64) -> f64 {
    rows.max(columns) as f64 * f64::EPSILON * largest
}

/// Moore-Penrose pseudoinverse; `cutoff` is absolute, `None` takes [`default_cutoff`].
///
/// # Errors
/// As [`svd`].
pub fn pseudoinverse(a: &DMatrix<f64>, cutoff: Option<f64>) -> Result<Pseudoinverse, LinalgError> {
    let Svd { u, s, v } = svd(a)?;
    let largest = s.iter().copied().next().unwrap_or(0.0);
    let cutoff = cutoff.unwrap_or_else(|| default_cutoff(a.nrows(), a.ncols(), largest));
    let rank = s.iter().filter(|&&x| x > cutoff).count();
    let mut scaled = v.columns(0, rank).into_owned();
    for (mut column, value) in scaled.column_iter_mut().zip(s.iter()) {
        column.unscale_mut(*value);
    }
    let matrix = matmul_nt(&scaled, &u.columns(0, rank).into_owned());
    Ok(Pseudoinverse { matrix, rank, cutoff, singular_values: s })
}

fn decompose<T: ComplexField + Entry>(
    a: &DMatrix<T>,
    vectors: Option<(&mut DMatrix<T>, &mut DMatrix<T>)>,
) -> Result<DVector<T>, LinalgError> {
    let (rows, columns) = a.shape();
    let size = rows.min(columns);
    let mut s = DMatrix::from_element(size, 1, <T as ComplexField>::zero_impl());
    if size == 0 {
        return Ok(s.column(0).into_owned());
    }
    let compute = if vectors.is_some() { ComputeSvdVectors::Thin } else { ComputeSvdVectors::No };
    let scratch = svd_scratch::<T>(rows, columns, compute, compute, Par::Seq, Default::default());
    let (u, v) = vectors.unzip();
    faer_svd(
        view(a),
        view_mut(&mut s).col_mut(0).as_diagonal_mut(),
        u.map(view_mut),
        v.map(view_mut),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    )
    .map_err(|_| LinalgError::NoConvergence {
        what: "the iteration for the singular values",
        size,
        iterations: 30 * size,
    })?;
    Ok(s.column(0).into_owned())
}
