//! Why a stability analysis cannot be carried out.

use crate::analysis::AnalysisError;
use crate::dynamics::DynamicsError;
use crate::error::{ExitCode, Failure};
use crate::integrate::{IntegrateError, InvalidRun};

/// A stability analysis that cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum StabilityError {
    /// An analysis failed.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
    /// The next loop of a cascade cannot be built.
    #[error(transparent)]
    Dynamics(#[from] DynamicsError),
    /// The trajectory to be analysed cannot start.
    #[error("the trajectory cannot start")]
    Run(#[from] InvalidRun),
    /// The trajectory to be analysed broke off.
    #[error("the trajectory broke off")]
    Trajectory(#[from] IntegrateError),
    /// There is nothing to linearise at.
    #[error("{explanation}")]
    NoEquilibrium {
        /// The search and its best residual, in words.
        explanation: String,
    },
    /// Checkpoints were asked for.
    #[error("`stability.at = \"checkpoints\"` is not available")]
    Checkpoints,
}

impl Failure for StabilityError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Run(_) | Self::Checkpoints | Self::Analysis(AnalysisError::NoStructure) => {
                ExitCode::Usage
            }
            Self::Analysis(AnalysisError::TooLarge { .. }) => ExitCode::Usage,
            Self::Analysis(_)
            | Self::Dynamics(_)
            | Self::Trajectory(_)
            | Self::NoEquilibrium { .. } => ExitCode::Numerical,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Analysis(error) => error.remedy(),
            Self::Checkpoints => {
                Some("load the weights of the checkpoint with `weights = { file = .. }`".to_owned())
            }
            Self::NoEquilibrium { .. } => Some(
                "a leak above 0 or a target within reach gives the loop a rest state".to_owned(),
            ),
            _ => None,
        }
    }
}
