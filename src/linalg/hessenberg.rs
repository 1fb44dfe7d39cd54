//! Hessenberg form: an orthogonal change of basis without iteration.

use nalgebra::{DMatrix, Hessenberg};

use super::balance;
use super::bridge::{check_finite, check_square, normalise};
use super::error::LinalgError;

/// `Q^T A Q` with zeros below the first subdiagonal, `Q` orthogonal: the cheapest form in which
/// `z I - A` is solved in `O(n^2)` operations for any `z`.
///
/// # Errors
/// Entries that are not finite, a matrix that is not square.
pub fn hessenberg(a: &DMatrix<f64>) -> Result<DMatrix<f64>, LinalgError> {
    let n = check_square(a)?;
    check_finite(a)?;
    if n < 3 {
        return Ok(a.clone());
    }
    let mut scaled = a.clone();
    let unit = normalise(&mut scaled);
    let mut h = Hessenberg::new(scaled).unpack_h();
    h.fill_lower_triangle(0.0, 2);
    Ok(h * unit)
}

/// `A = D Q H Q^T D^{-1}`: a Hessenberg form in the units in which `A` is balanced.
#[derive(Debug, Clone)]
pub struct BalancedHessenberg {
    /// `H`.
    pub h: DMatrix<f64>,
    /// `Q`, orthogonal.
    pub q: DMatrix<f64>,
    /// The diagonal of `D`: powers of two.
    pub units: Vec<f64>,
}

impl BalancedHessenberg {
    /// The Hessenberg form of the balanced matrix.
    ///
    /// # Errors
    /// As [`hessenberg`].
    pub fn new(a: &DMatrix<f64>) -> Result<Self, LinalgError> {
        let n = check_square(a)?;
        check_finite(a)?;
        let units = balance::units(a);
        let mut balanced = DMatrix::from_fn(n, n, |i, j| a[(i, j)] * (units[j] / units[i]));
        if n < 3 {
            return Ok(Self { h: balanced, q: DMatrix::identity(n, n), units });
        }
        let unit = normalise(&mut balanced);
        let (q, mut h) = Hessenberg::new(balanced).unpack();
        h.fill_lower_triangle(0.0, 2);
        Ok(Self { h: h * unit, q, units })
    }
}

/// The ratio of the largest to the smallest of the units in which `A` is balanced: 1 where the
/// states are in like units.
#[must_use]
pub fn unit_ratio(a: &DMatrix<f64>) -> f64 {
    let units = balance::units(a);
    let largest = units.iter().copied().fold(0.0, f64::max);
    let smallest = units.iter().copied().fold(f64::INFINITY, f64::min);
    if units.is_empty() { 1.0 } else { largest / smallest }
}
