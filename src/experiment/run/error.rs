//! Why a run cannot start.

use crate::dynamics::DynamicsError;
use crate::error::{ExitCode, Failure};
use crate::integrate::{InvalidRun, UnknownMethod};
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
    /// A name in `record` is no variable.
    #[error(transparent)]
    Record(#[from] UnknownVariable),
}

impl Failure for RunError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Invalid(_) | Self::Solver(_) | Self::Record(_) => ExitCode::Usage,
            Self::Dynamics(_) => ExitCode::Numerical,
        }
    }
}
