//! Why a stability analysis cannot be carried out.

use crate::analysis::stability_map::MapError;
use crate::analysis::{AnalysisError, ContinuationError};
use crate::dynamics::DynamicsError;
use crate::error::{ExitCode, Failure};
use crate::integrate::{IntegrateError, InvalidRun};

/// A stability analysis that cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum StabilityError {
    /// An analysis failed.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
    /// The branch of equilibria could not be followed.
    #[error(transparent)]
    Continuation(#[from] ContinuationError),
    /// The map over two parameters could not be computed.
    #[error(transparent)]
    Map(#[from] MapError),
    /// A map of something that is not one layer loop.
    #[error("`stability.map` needs a single layer loop")]
    NoLoop,
    /// A continuation of several targets at once.
    #[error("`stability.continuation` follows one target; the model has several")]
    SeveralTargets,
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
            Self::Run(_)
            | Self::Checkpoints
            | Self::NoLoop
            | Self::SeveralTargets
            | Self::Map(_)
            | Self::Analysis(AnalysisError::NoStructure) => ExitCode::Usage,
            Self::Analysis(AnalysisError::TooLarge { .. }) => ExitCode::Usage,
            Self::Analysis(_)
            | Self::Dynamics(_)
            | Self::Trajectory(_)
            | Self::Continuation(_)
            | Self::NoEquilibrium { .. } => ExitCode::Numerical,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Analysis(error) => error.remedy(),
            Self::NoLoop => Some("use `dynamics.layerwise-inversion`".to_owned()),
            Self::SeveralTargets => Some("give one target".to_owned()),
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
