//! Matrix norms, and an estimator of the 1-norm of an operator known only by its products.

use nalgebra::DMatrix;

use super::error::LinalgError;
use super::svd::singular_values;

/// Products with the operator and its transpose, at most this many of each. The estimate is exact
/// after one for operators of rank one and seldom improves after four (Higham 1988).
const MAX_ESTIMATE_STEPS: usize = 5;

/// Largest column sum of absolute values.
#[must_use]
pub fn norm_one(a: &DMatrix<f64>) -> f64 {
    a.column_iter().map(|c| c.iter().map(|x| x.abs()).sum::<f64>()).fold(0.0, f64::max)
}

/// Largest row sum of absolute values.
#[must_use]
pub fn norm_infinity(a: &DMatrix<f64>) -> f64 {
    let mut sums = vec![0.0; a.nrows()];
    for column in a.column_iter() {
        for (sum, x) in sums.iter_mut().zip(column.iter()) {
            *sum += x.abs();
        }
    }
    sums.into_iter().fold(0.0, f64::max)
}

/// Root of the sum of squares, safe from overflow.
#[must_use]
pub fn norm_frobenius(a: &DMatrix<f64>) -> f64 {
    let largest = a.amax();
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * a.iter().map(|x| (x / largest).powi(2)).sum::<f64>().sqrt()
}

/// Largest singular value.
///
/// # Errors
/// Entries that are not finite; no convergence.
pub fn norm_two(a: &DMatrix<f64>) -> Result<f64, LinalgError> {
    Ok(singular_values(a)?.iter().copied().next().unwrap_or(0.0))
}

/// Lower bound, usually exact or within a factor of three, of the 1-norm of the linear operator
/// whose product and transposed product overwrite their argument.
///
/// Higham, ACM Trans. Math. Softw. 14 (1988), algorithm 4.1 with its final alternating vector.
pub(crate) fn estimate_norm_one(
    n: usize,
    apply: impl Fn(&mut [f64]),
    apply_transposed: impl Fn(&mut [f64]),
) -> f64 {
    let sum_abs = |x: &[f64]| x.iter().map(|v| v.abs()).sum::<f64>();
    let mut x = vec![1.0 / n as f64; n];
    let mut signs: Vec<f64> = Vec::new();
    let mut estimate = 0.0;
    let mut last = usize::MAX;
    for step in 0..MAX_ESTIMATE_STEPS {
        apply(&mut x);
        let value = sum_abs(&x);
        if step > 0 && value <= estimate {
            break;
        }
        estimate = value;
        let new_signs: Vec<f64> = x.iter().map(|&v| if v < 0.0 { -1.0 } else { 1.0 }).collect();
        if new_signs == signs {
            break;
        }
        signs = new_signs;
        x.copy_from_slice(&signs);
        apply_transposed(&mut x);
        let (best, largest) = x
            .iter()
            .enumerate()
            .fold((0, 0.0), |(b, m), (i, v)| if v.abs() > m { (i, v.abs()) } else { (b, m) });
        if step > 0 && (best == last || largest <= x[last].abs()) {
            break;
        }
        last = best;
        x.fill(0.0);
        x[best] = 1.0;
    }
    // Catches operators whose columns cancel for the vectors tried so far.
    let mut x: Vec<f64> = (0..n)
        .map(|i| {
            let size = 1.0 + i as f64 / (n.max(2) - 1) as f64;
            if i % 2 == 0 { size } else { -size }
        })
        .collect();
    apply(&mut x);
    estimate.max(2.0 * sum_abs(&x) / (3.0 * n as f64))
}
