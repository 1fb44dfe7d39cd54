//! Why a run cannot start.

use crate::dynamics::DynamicsError;
use crate::error::{ExitCode, Failure};
use crate::integrate::{CompareError, IntegrateError, InvalidRun, UnknownMethod};
use crate::results::UnknownVariable;

/// A run that cannot start, or cannot be carried on to the next loop.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The initial state, span, tolerances or save times cannot be used.
    #[error(transparent)]
    Invalid(#[from] InvalidRun),
    /// The solver is unknown, or not part of this build.
    #[error(transparent)]
    Solver(#[from] UnknownMethod),
    /// The next loop of a cascade cannot be built.
    #[error(transparent)]
    Dynamics(#[from] DynamicsError),
    /// The solver of a cross-check needs a step that the model does not give.
    #[error(
        "the cross-check solver {solver} takes fixed steps, but the model gives none; choose an adaptive one such as dop853"
    )]
    CrossCheckStep {
        /// The solver.
        solver: String,
    },
    /// A second integration of noise follows another path.
    #[error(
        "runs with noise cannot be compared with a second one: remove the noise, or the comparison"
    )]
    NoisyComparison,
    /// Two integrations cannot be compared, or the second one failed.
    #[error("no second opinion: {0}")]
    Compare(#[from] CompareError),
    /// An integration that was to be compared failed.
    #[error("no second opinion: {0}")]
    Integrate(#[from] IntegrateError),
    /// A name in `record` is no variable.
    #[error(transparent)]
    Record(#[from] UnknownVariable),
}

impl Failure for RunError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Invalid(_)
            | Self::Solver(_)
            | Self::Record(_)
            | Self::CrossCheckStep { .. }
            | Self::NoisyComparison => ExitCode::Usage,
            Self::Dynamics(_) | Self::Compare(_) | Self::Integrate(_) => ExitCode::Numerical,
        }
    }
}
