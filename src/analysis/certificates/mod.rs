//! Certificates of stability: proven, or refused with the reason.
//!
//! | module | statement |
//! |---|---|
//! | [`lyapunov`] | the linearisation is stable: a quadratic Lyapunov function verified in floating point |
//! | [`global`] | a nonlinear layer loop is globally asymptotically stable: `B = -P W^T R` |
//! | [`contraction`] | all trajectories converge to each other at a certified rate |
//! | [`covariance`] | stationary covariance under white noise, where it exists |

pub mod contraction;
pub mod covariance;
pub mod global;
pub mod lyapunov;

/// A certificate that was proven, or why it was not.
#[derive(Debug, Clone, PartialEq)]
pub enum Certificate<T> {
    /// The statement holds; the value is what is needed to check it.
    Proven(T),
    /// Not proven: the statement may hold nevertheless.
    Refused {
        /// What stood in the way.
        reason: String,
    },
}

impl<T> Certificate<T> {
    fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }

    /// The proof, if there is one.
    #[must_use]
    pub fn proof(&self) -> Option<&T> {
        match self {
            Self::Proven(proof) => Some(proof),
            Self::Refused { .. } => None,
        }
    }

    /// Why there is no proof.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Proven(_) => None,
            Self::Refused { reason } => Some(reason),
        }
    }
}
