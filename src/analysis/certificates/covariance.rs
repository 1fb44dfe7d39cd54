//! Stationary covariance of `dx = J x dt + L dW`: `J X + X J^T + L L^T = 0`.

use nalgebra::DMatrix;

use crate::analysis::error::AnalysisError;
use crate::analysis::verdict::{Judgement, Verdict};
use crate::linalg::lyapunov::lyapunov;

/// The stationary covariance under independent white noise of intensity `std[i]` (per square root of
/// a second) on state `i`.
///
/// # Errors
/// [`AnalysisError::NotStable`] unless the verdict is `stable`: at or beyond the boundary the
/// covariance grows without bound and does not exist, whatever the equation's solution; what the
/// Lyapunov solver refuses.
pub fn stationary_covariance(
    jacobian: &DMatrix<f64>,
    judgement: &Judgement,
    std: &[f64],
) -> Result<DMatrix<f64>, AnalysisError> {
    if judgement.verdict != Verdict::Stable {
        return Err(AnalysisError::NotStable {
            what: "the stationary covariance",
            verdict: judgement.verdict.name(),
        });
    }
    let n = jacobian.nrows();
    let forcing = DMatrix::from_fn(n, n, |i, j| if i == j { std[i] * std[i] } else { 0.0 });
    let solution =
        lyapunov(jacobian, &forcing).map_err(AnalysisError::linalg("the stationary covariance"))?;
    Ok(solution.x)
}
