//! What can go wrong on a branch.

use super::BuildError;
use crate::linalg::LinalgError;

/// A branch could not be followed.
#[derive(Debug, thiserror::Error)]
pub enum ContinuationError {
    /// An option is out of range.
    #[error("{option} = {value} is not allowed; it must be {requirement}")]
    Option {
        /// The option.
        option: &'static str,
        /// Its value.
        value: f64,
        /// What would be accepted.
        requirement: &'static str,
    },
    /// The vector field could not be built.
    #[error("the system cannot be built at parameter {parameter}: {source}")]
    Build {
        /// The parameter.
        parameter: f64,
        /// Why.
        source: BuildError,
    },
    /// The vector field has another size than the state.
    #[error("at parameter {parameter} the system has {found} states instead of {expected}")]
    Dimension {
        /// The parameter.
        parameter: f64,
        /// States of the start.
        expected: usize,
        /// States found.
        found: usize,
    },
    /// No equilibrium was found at the first parameter value.
    #[error(
        "no equilibrium near the start at parameter {parameter}: Newton's method ended after \
         {iterations} iterations with the residual {residual:.3e}"
    )]
    Start {
        /// The parameter.
        parameter: f64,
        /// Newton iterations.
        iterations: usize,
        /// Largest `|f_i|` at the end.
        residual: f64,
    },
    /// The corrector failed while a bifurcation was being located.
    #[error(
        "a bifurcation between parameters {first} and {last} was seen but not located; \
         a smaller first step usually helps"
    )]
    Locate {
        /// Parameter before it.
        first: f64,
        /// Parameter after it.
        last: f64,
    },
    /// The direction of the branch is not determined or eigenvalues failed.
    #[error("the branch cannot be continued from parameter {parameter}: {source}")]
    Linalg {
        /// The parameter.
        parameter: f64,
        /// Why.
        source: LinalgError,
    },
}

/// The first Lyapunov coefficient does not exist.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NormalFormError {
    /// Several pairs share the axis.
    #[error(
        "{count} eigenvalues lie near {frequency:.6} i: the Hopf point is not simple, so the first \
         Lyapunov coefficient does not decide about the cycles"
    )]
    NotSimple {
        /// Eigenvalues near the pair's positive part.
        count: usize,
        /// Its imaginary part, rad/s.
        frequency: f64,
    },
    /// There is no eigenvalue near the axis.
    #[error("no eigenvalue lies near {frequency:.6} i; the closest is {distance:.1e} away")]
    NoPair {
        /// The imaginary part sought, rad/s.
        frequency: f64,
        /// Distance of the closest eigenvalue, 1/s.
        distance: f64,
    },
    /// A linear system is singular: another eigenvalue is at zero or at twice the frequency.
    #[error("the normal form is resonant or singular: {0}")]
    Linalg(#[from] LinalgError),
}
