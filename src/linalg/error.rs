//! What can go wrong in a decomposition or a solve.

use nalgebra::Complex;
use thiserror::Error;

/// Failure of a linear-algebra routine: what, where, the value and a remedy.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum LinalgError {
    /// The matrix holds NaN or an infinity.
    #[error("entry ({row}, {column}) of the matrix is {value}; every entry must be finite")]
    NotFinite {
        /// Row of the first such entry in column-major order, from 0.
        row: usize,
        /// Its column, from 0.
        column: usize,
        /// Its value (of a complex entry: the part that is not finite).
        value: f64,
    },
    /// A square matrix was needed.
    #[error("a square matrix is needed, this one is {rows} x {columns}")]
    NotSquare {
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
    },
    /// Two operands do not fit together.
    #[error("{what} needs a {expected_rows} x {expected_columns} operand, not {rows} x {columns}")]
    ShapeMismatch {
        /// The operation.
        what: &'static str,
        /// Rows that would fit.
        expected_rows: usize,
        /// Columns that would fit.
        expected_columns: usize,
        /// Rows of the operand.
        rows: usize,
        /// Columns of the operand.
        columns: usize,
    },
    /// An iteration did not reach its stopping criterion within its cap.
    #[error(
        "{what} of a {size} x {size} matrix did not converge within {iterations} iterations; \
         a change of units or a small perturbation of the matrix usually helps"
    )]
    NoConvergence {
        /// The computation.
        what: &'static str,
        /// Size of the matrix.
        size: usize,
        /// The cap that was reached.
        iterations: usize,
    },
    /// The matrix of a linear system is singular to working precision.
    #[error(
        "the {size} x {size} matrix is singular to working precision \
         (reciprocal condition number about {reciprocal_condition:.1e})"
    )]
    Singular {
        /// Size of the matrix.
        size: usize,
        /// Estimated reciprocal condition number in the 1-norm.
        reciprocal_condition: f64,
    },
    /// A Lyapunov or Sylvester equation has no unique solution.
    #[error(
        "{equation} has no unique solution: the eigenvalues {first} and {second} \
         sum to zero within rounding"
    )]
    SingularEquation {
        /// The equation.
        equation: &'static str,
        /// Eigenvalue of the first coefficient.
        first: Complex<f64>,
        /// Eigenvalue of the second coefficient.
        second: Complex<f64>,
    },
    /// An eigenvector does not exist to working precision.
    #[error(
        "the eigenvector of {value} cannot be computed: the eigenvalue is defective to working \
         precision; use a Schur form instead of eigenvectors"
    )]
    Defective {
        /// The eigenvalue.
        value: Complex<f64>,
    },
    /// Cholesky factorisation met a pivot that is not positive.
    #[error("the matrix is not positive definite: pivot {pivot} is not positive")]
    NotPositiveDefinite {
        /// Index of the pivot, from 0.
        pivot: usize,
    },
    /// The result exceeds the range of f64.
    #[error("{what} overflows: the 1-norm of the argument is {norm:.3e}")]
    Overflow {
        /// The computation.
        what: &'static str,
        /// 1-norm of the argument.
        norm: f64,
    },
}
