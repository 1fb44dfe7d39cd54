//! Why training cannot start or go on.

use std::io;
use std::path::PathBuf;

use crate::error::{ExitCode, Failure};
use crate::learning::LearningError;

/// Training that cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Feedback could not be learned.
    #[error("{rule} before the first update: {source}")]
    Sleep {
        /// Name of the rule.
        rule: String,
        /// Why.
        source: crate::feedback::SleepError,
    },
    /// A checkpoint would be lost.
    #[error("{} is the checkpoint of an earlier run", path.display())]
    CheckpointExists {
        /// The checkpoint.
        path: PathBuf,
    },
    /// The checkpoint could not be read or written.
    #[error("cannot {action} the checkpoint {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The checkpoint.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The checkpoint is not one, or is damaged.
    #[error("{} is no usable checkpoint: {reason}", path.display())]
    Damaged {
        /// The checkpoint.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file that ought to be there is not.
    #[error("there is no checkpoint {}", path.display())]
    NoCheckpoint {
        /// The checkpoint.
        path: PathBuf,
    },
    /// A measurement failed.
    #[error("rule {rule} cannot be measured: {source}")]
    Measure {
        /// Name of the rule.
        rule: String,
        /// What went wrong.
        source: LearningError,
    },
}

impl Failure for TrainError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::CheckpointExists { .. }
            | Self::Io { .. }
            | Self::Damaged { .. }
            | Self::NoCheckpoint { .. } => ExitCode::InputOutput,
            Self::Measure { .. } | Self::Sleep { .. } => ExitCode::Numerical,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::CheckpointExists { .. } => {
                Some("go on from it with --resume, or start anew with --force".to_owned())
            }
            Self::NoCheckpoint { .. } => Some(
                "name a result of dinv train with its checkpoint beside it, or a checkpoint"
                    .to_owned(),
            ),
            Self::Damaged { .. } => Some("start anew with --force".to_owned()),
            _ => None,
        }
    }
}
