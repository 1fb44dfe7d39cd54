//! Why rules cannot be compared.

use crate::error::{ExitCode, Failure};
use crate::linalg::LinalgError;

/// Rules that cannot be compared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InvertError {
    /// There is nothing to carry errors to.
    #[error("the network has no hidden layer to carry errors to")]
    NoHiddenLayer,
    /// Inputs and errors do not pair.
    #[error("there are {inputs} inputs for {errors} errors")]
    Columns {
        /// Number of inputs.
        inputs: usize,
        /// Number of errors.
        errors: usize,
    },
    /// A step of Gauss-Newton type could not be computed.
    #[error("the direction {direction} cannot be computed")]
    Reference {
        /// The direction.
        direction: String,
        /// What the linear algebra says.
        source: LinalgError,
    },
}

impl Failure for InvertError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoHiddenLayer | Self::Columns { .. } => ExitCode::Usage,
            Self::Reference { .. } => ExitCode::Numerical,
        }
    }

    fn remedy(&self) -> Option<String> {
        Some(
            match self {
                Self::NoHiddenLayer => "give `sizes` at least three entries",
                Self::Columns { .. } => "give one input, or one per error",
                Self::Reference { .. } => "look for weights or inputs that are not finite or huge",
            }
            .to_owned(),
        )
    }
}
