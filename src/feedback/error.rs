//! What can be wrong with a feedback matrix.

use crate::linalg::LinalgError;

/// A feedback matrix could not be built.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FeedbackError {
    /// A parameter of an initialiser is not usable.
    #[error("feedback {initialiser}: {parameter} = {value} is not allowed; give {remedy}")]
    Parameter {
        /// Name of the initialiser.
        initialiser: &'static str,
        /// Name of the parameter.
        parameter: &'static str,
        /// Its value.
        value: f64,
        /// What would be accepted.
        remedy: &'static str,
    },
    /// A given matrix does not fit the loop.
    #[error(
        "the feedback matrix is {found_rows} x {found_columns}, but the loop needs \
         {rows} x {columns} (state units x controller units)"
    )]
    Shape {
        /// Rows the loop needs.
        rows: usize,
        /// Columns the loop needs.
        columns: usize,
        /// Rows found.
        found_rows: usize,
        /// Columns found.
        found_columns: usize,
    },
    /// The pseudoinverse could not be computed.
    #[error("the pseudoinverse of the weights of the loop failed: {0}")]
    Pseudoinverse(#[from] LinalgError),
}
