//! What can go wrong in an analysis.

use crate::error::{ExitCode, Failure};
use crate::linalg::LinalgError;

/// Failure of an analysis: what, the value and a remedy.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AnalysisError {
    /// A decomposition or a solve failed.
    #[error("{what}")]
    Linalg {
        /// The quantity that was being computed.
        what: &'static str,
        /// What the linear algebra says.
        source: LinalgError,
    },
    /// A dense eigenproblem beyond what this program attempts.
    #[error(
        "{what} of a dense {states} x {states} matrix needs about {gib:.1} GiB; \
         the limit is {limit} states"
    )]
    TooLarge {
        /// The quantity asked for.
        what: &'static str,
        /// Size of the matrix.
        states: usize,
        /// Estimated memory, GiB.
        gib: f64,
        /// Largest size attempted.
        limit: usize,
    },
    /// The reduced spectrum was asked for where the Jacobian has no known block structure.
    #[error("the Jacobian has no block structure that reduces its eigenvalue problem")]
    NoStructure,
    /// A quantity that exists for stable systems only.
    #[error("{what} exists for stable systems only; this one is {verdict}")]
    NotStable {
        /// The quantity asked for.
        what: &'static str,
        /// The verdict, in words.
        verdict: &'static str,
    },
    /// A value that must be finite is not.
    #[error("{what} is {value}; it must be finite")]
    NotFinite {
        /// What has the value.
        what: &'static str,
        /// The value.
        value: f64,
    },
}

impl AnalysisError {
    /// Names the quantity whose computation failed.
    pub(crate) fn linalg(what: &'static str) -> impl FnOnce(LinalgError) -> Self {
        move |source| Self::Linalg { what, source }
    }
}

impl Failure for AnalysisError {
    fn exit_code(&self) -> ExitCode {
        ExitCode::Numerical
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::TooLarge { .. } => {
                Some("use the reduced method where the dynamics has block structure".to_owned())
            }
            Self::NoStructure => Some("use method = \"full\"".to_owned()),
            _ => None,
        }
    }
}
