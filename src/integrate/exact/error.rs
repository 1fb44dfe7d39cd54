//! Why there is no exact solution.

use crate::linalg::LinalgError;

/// A dynamics, a start or an option that the exact solver refuses.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ExactError {
    /// The vector field is not affine.
    #[error("the solver `exact` needs a linear equation; this one is not ({reason}): use `auto`")]
    NotLinear {
        /// What makes it nonlinear.
        reason: String,
    },
    /// Rows at accepted steps were asked for.
    #[error(
        "the solver `exact` takes no steps to save: set save_at to every, count, times, log or end"
    )]
    NoSteps,
    /// A stop at a steady state was asked for.
    #[error(
        "the solver `exact` does not stop at steady states, it reaches any time at the same cost: remove the stop, or use `auto`"
    )]
    NoSteadyStateStop,
    /// The Jacobian could not be decomposed.
    #[error("the Jacobian has no usable decomposition: {0}")]
    Linalg(#[from] LinalgError),
}
