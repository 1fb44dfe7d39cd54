//! Eigenvalues of a product of matrices, with the rounding error of the product counted.

use nalgebra::{Complex, DMatrix, DVector};

use super::{Entry, check_dense_size};
use crate::analysis::error::AnalysisError;
use crate::linalg::eigen::{EigenOptions, eigen, rounding_error};
use crate::linalg::gemm::matmul;

/// Steps of the power iteration for the size of the factors: an estimate within a factor of two is
/// enough.
const POWER_STEPS: usize = 8;

/// The eigenvalues of `factors[0] factors[1] ..`, which is square.
///
/// The computed product is wrong by at most `k eps |F_0| |F_1| ..` entry by entry, with `k` the sum
/// of the inner sizes, which cancellation in the product can make larger than the errors of the
/// eigenvalue iteration. The scale of that matrix is its Perron root: like the balanced norm it does
/// not depend on the units of the controllers.
pub(super) fn eigenvalues_of_product(
    factors: &[&DMatrix<f64>],
) -> Result<Vec<Entry>, AnalysisError> {
    const WHAT: &str = "the spectrum of the product around the loop";
    let size = factors.first().map_or(0, |f| f.nrows());
    check_dense_size(WHAT, size)?;
    let mut product = factors[0].clone();
    for factor in &factors[1..] {
        product = matmul(&product, factor);
    }
    let options = EigenOptions { conditions: true, vectors: false };
    let found = eigen(&product, &options).map_err(AnalysisError::linalg(WHAT))?;
    let inner: usize = factors[1..].iter().map(|f| f.nrows()).sum();
    let rounding = inner as f64 * f64::EPSILON * perron_root(factors, size);
    let conditions = found.conditions.unwrap_or_else(|| vec![f64::INFINITY; size]);
    let errors = found
        .errors
        .unwrap_or_else(|| vec![rounding_error(size, found.balanced_norm, f64::INFINITY); size]);
    // What the iteration itself takes for its backward error.
    let backward = size.max(8) as f64 * f64::EPSILON * found.balanced_norm;
    let amplify = |error: f64| {
        let amplification = if backward > 0.0 { (error / backward).max(1.0) } else { 1.0 };
        error + amplification * rounding
    };
    let entry = |((value, error), condition): ((&Complex<f64>, &f64), &f64)| Entry {
        value: *value,
        error: amplify(*error),
        condition: *condition,
    };
    Ok(found.values.iter().zip(&errors).zip(&conditions).map(entry).collect())
}

/// Estimate of the largest eigenvalue of `|F_0| |F_1| ..`.
fn perron_root(factors: &[&DMatrix<f64>], size: usize) -> f64 {
    let absolute: Vec<DMatrix<f64>> = factors.iter().map(|f| f.abs()).collect();
    let mut v = DVector::from_element(size, 1.0);
    let mut root = 0.0;
    for _ in 0..POWER_STEPS {
        for factor in absolute.iter().rev() {
            v = factor * v;
        }
        root = v.norm();
        if root == 0.0 || !root.is_finite() {
            break;
        }
        v /= root;
    }
    root
}
