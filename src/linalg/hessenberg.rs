//! Hessenberg form: an orthogonal change of basis without iteration.

use nalgebra::{DMatrix, Hessenberg};

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
