//! Why a rule cannot be used or had to stop.

use crate::analysis::AnalysisError;
use crate::dynamics::DynamicsError;
use crate::linalg::LinalgError;

/// A rule that does not fit its network, or that cannot go on.
///
/// Layers are numbered from 1, as in the equations.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LearningError {
    /// A feedback matrix does not fit.
    #[error(
        "feedback matrix {index} of rule {rule} is {rows} x {columns}; the network needs \
         {expected_rows} x {expected_columns}"
    )]
    FeedbackShape {
        /// Name of the rule.
        rule: &'static str,
        /// Position in the list, from 0.
        index: usize,
        /// Rows found.
        rows: usize,
        /// Columns found.
        columns: usize,
        /// Rows needed.
        expected_rows: usize,
        /// Columns needed.
        expected_columns: usize,
    },
    /// There is not one feedback matrix per loop.
    #[error("rule {rule} has {found} feedback matrices; it needs {expected}")]
    FeedbackCount {
        /// Name of the rule.
        rule: &'static str,
        /// Number found.
        found: usize,
        /// Number needed.
        expected: usize,
    },
    /// A system of equations of a layer has no unique solution.
    #[error("the loop of layer {layer} has no unique equilibrium: {source}; a leak above 0 helps")]
    Singular {
        /// The layer whose error is carried down.
        layer: usize,
        /// What the solver says.
        source: LinalgError,
    },
    /// A decomposition of a layer's matrix failed.
    #[error("layer {layer}: {source}")]
    Linalg {
        /// The layer.
        layer: usize,
        /// What the decomposition says.
        source: LinalgError,
    },
    /// A differential equation could not be built.
    #[error("the loop of layer {layer} cannot be built: {source}")]
    Dynamics {
        /// The layer whose error is carried down.
        layer: usize,
        /// What does not fit.
        source: DynamicsError,
    },
    /// The spectrum of a controlled network could not be found.
    #[error("the controlled network: {0}")]
    Spectrum(#[from] AnalysisError),
    /// Without leak a controller that is larger than the state it controls drifts.
    #[error(
        "the loop of layer {layer} has {controllers} controllers for {states} states: without \
         leak {drifting} of them integrate an error that no state can remove; a leak above 0 helps"
    )]
    Drifts {
        /// The layer whose error is carried down.
        layer: usize,
        /// Its units.
        controllers: usize,
        /// Units of the layer below.
        states: usize,
        /// The difference.
        drifting: usize,
    },
    /// The options of a loop exclude each other.
    #[error("{what} cannot be used with {with}; {remedy}")]
    Incompatible {
        /// One option.
        what: String,
        /// The other.
        with: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A value that learning needs is not finite.
    #[error("{what} of layer {layer} is not finite; a smaller rate or clipping helps")]
    NonFinite {
        /// `error`, `weights`, ...
        what: &'static str,
        /// The layer.
        layer: usize,
    },
}
