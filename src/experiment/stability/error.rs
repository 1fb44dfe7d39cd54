//! Why a stability analysis cannot be carried out.

use crate::analysis::stability_map::MapError;
use crate::analysis::{AnalysisError, ContinuationError};
use crate::dynamics::DynamicsError;
use crate::error::{ExitCode, Failure};
use crate::experiment::run::RunError;
use crate::experiment::train::TrainError;
use crate::feedback::{OptimizeError, StabiliseError};
use crate::integrate::IntegrateError;

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
    Run(#[from] RunError),
    /// The trajectory to be analysed broke off.
    #[error("the trajectory broke off")]
    Trajectory(#[from] IntegrateError),
    /// There is nothing to linearise at.
    #[error("{explanation}")]
    NoEquilibrium {
        /// The search and its best residual, in words.
        explanation: String,
    },
    /// The feedback could not be optimised.
    #[error("the feedback cannot be optimised: {0}")]
    Optimize(#[from] StabiliseError),
    /// The checkpoints of a training could not be read.
    #[error(transparent)]
    Training(#[from] TrainError),
    /// A training without rules that are loops.
    #[error("the training of {file} has no rule that is a loop")]
    NoLoopRule {
        /// The checkpoint.
        file: String,
    },
    /// Branches and maps start from a model, not from checkpoints.
    #[error("`stability.{key}` does not go with `at = \"checkpoints\"`")]
    NotOfCheckpoints {
        /// The key.
        key: &'static str,
    },
}

impl Failure for StabilityError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Run(_)
            | Self::NoLoop
            | Self::NoLoopRule { .. }
            | Self::NotOfCheckpoints { .. }
            | Self::Optimize(
                StabiliseError::NoLoop
                | StabiliseError::Optimize(OptimizeError::Unreachable { .. }),
            )
            | Self::SeveralTargets
            | Self::Map(_)
            | Self::Analysis(AnalysisError::NoStructure) => ExitCode::Usage,
            Self::Analysis(AnalysisError::TooLarge { .. }) => ExitCode::Usage,
            Self::Training(error) => error.exit_code(),
            Self::Analysis(_)
            | Self::Optimize(_)
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
            Self::Training(error) => error.remedy(),
            Self::NoLoopRule { .. } => Some("train one of ndi, di and sdi".to_owned()),
            Self::NotOfCheckpoints { key } => Some(format!("leave out `stability.{key}`")),
            Self::Optimize(StabiliseError::NoLoop) => {
                Some("use layerwise-inversion, concurrent-inversion or single-loop".to_owned())
            }
            Self::Optimize(StabiliseError::Optimize(OptimizeError::Unreachable {
                below, ..
            })) => Some(format!("ask for a margin below {below}, or raise the leak")),
            Self::NoEquilibrium { .. } => Some(
                "a leak above 0 or a target within reach gives the loop a rest state".to_owned(),
            ),
            _ => None,
        }
    }
}
