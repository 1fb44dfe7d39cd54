//! The smoothed spectral abscissa and its gradient.

use nalgebra::DMatrix;

use super::OptimizeError;
use crate::linalg::eigen::eigenvalues;
use crate::linalg::gemm::matmul;
use crate::linalg::lyapunov::lyapunov;

/// Cap on the safeguarded Newton iteration; it usually takes three to six steps.
const MAX_ITERATIONS: usize = 100;
/// `1/trace(P)` may differ from the smoothing by this share.
const TOLERANCE: f64 = 1e-10;

/// Value and gradient of the smoothed spectral abscissa of a matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct SmoothedAbscissa {
    /// The smoothed abscissa `s`, above the spectral abscissa by at least the smoothing.
    pub value: f64,
    /// `ds/dJ = Q P / trace(Q P)`.
    pub gradient: DMatrix<f64>,
}

/// The `s` to the right of the spectrum of `j` with `trace(P) = 1/smoothing`, where
/// `(J - s I) P + P (J - s I)^T + 2 I = 0`.
///
/// `near` is a guess. As `trace(P)` falls from infinity to 0 to the right of the spectrum, there is
/// one solution; with `d trace(P)/ds = -trace(Q P)` it is found by a bracketed Newton iteration on
/// `1/trace(P)`, which is linear in `s` for a single eigenvalue.
///
/// # Errors
/// Entries that are not finite, a failed eigenvalue problem or Lyapunov equation, no convergence.
pub fn smoothed_abscissa(
    j: &DMatrix<f64>,
    smoothing: f64,
    near: Option<f64>,
) -> Result<SmoothedAbscissa, OptimizeError> {
    let n = j.nrows();
    let forcing = DMatrix::from_diagonal_element(n, n, 2.0);
    // trace(P) >= sum_i 1/(s - Re l_i) >= 1/(s - abscissa) puts the solution beyond this.
    let mut low = eigenvalues(j)?.abscissa() + smoothing;
    let mut high = f64::INFINITY;
    let mut s = near.filter(|near| *near > low).unwrap_or(low);
    for _ in 0..MAX_ITERATIONS {
        let mut shifted = j.clone();
        for i in 0..n {
            shifted[(i, i)] -= s;
        }
        let p = lyapunov(&shifted, &forcing)?.x;
        let trace = p.trace();
        // Right on the spectrum within rounding: P is not positive.
        if trace <= 0.0 {
            low = s;
            s += smoothing;
            continue;
        }
        let q = lyapunov(&shifted.transpose(), &forcing)?.x;
        let product = matmul(&q, &p);
        let weight = product.trace();
        let excess = 1.0 / trace - smoothing;
        let newton = s - excess * trace * trace / weight;
        // Below the spacing of numbers around s nothing can be resolved.
        let resolved = (newton - s).abs() > 2.0 * f64::EPSILON * s.abs();
        if excess.abs() <= TOLERANCE * smoothing || !resolved {
            return Ok(SmoothedAbscissa { value: s, gradient: product / weight });
        }
        if excess < 0.0 {
            low = s
        } else {
            high = s
        }
        s = if newton > low && newton < high {
            newton
        } else if high.is_finite() {
            0.5 * (low + high)
        } else {
            s + 2.0 * (s - low).max(smoothing)
        };
    }
    Err(OptimizeError::Smoothing { iterations: MAX_ITERATIONS, low, high })
}
