//! Why a dynamics could not be built.

use nalgebra::DMatrix;

/// A dynamics was given parts that do not make a well-posed differential equation.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DynamicsError {
    /// Two parts disagree about a size.
    #[error("{what} has shape {found_rows} x {found_columns}, expected {expected}")]
    Shape {
        /// The part, e.g. `feedback matrix`.
        what: String,
        /// Its number of rows.
        found_rows: usize,
        /// Its number of columns.
        found_columns: usize,
        /// The shape that fits, in words.
        expected: String,
    },
    /// An entry is NaN or infinite.
    #[error("{what}[{row}][{column}] is {value}; every entry must be finite")]
    NotFinite {
        /// The part, e.g. `weights`.
        what: String,
        /// Row of the entry, counted from 0.
        row: usize,
        /// Column of the entry, counted from 0.
        column: usize,
        /// The entry.
        value: f64,
    },
    /// A number lies outside its range.
    #[error("{what} is {value}; it must be {allowed}")]
    Range {
        /// Name of the parameter as in model files, e.g. `tau_state`.
        what: String,
        /// Its value.
        value: f64,
        /// The range in words.
        allowed: &'static str,
    },
    /// The transfer `inverse-slope` divides by a slope that is 0.
    #[error(
        "transfer inverse-slope divides by the slope of {activation}, which is 0 at unit {unit} of target {target} \
         (operating point {operating_point}); use the transfer `tangent`, or an operating point off the flat part"
    )]
    ZeroSlope {
        /// The activation.
        activation: &'static str,
        /// The unit, counted from 0.
        unit: usize,
        /// The target column, counted from 0.
        target: usize,
        /// Pre-activation of the unit.
        operating_point: f64,
    },
    /// Two options that exclude each other.
    #[error("{what} cannot be combined with {with}; {remedy}")]
    Incompatible {
        /// The first.
        what: String,
        /// The second.
        with: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A list that needs at least one entry is empty.
    #[error("{what} is empty")]
    Empty {
        /// The list.
        what: String,
    },
}

/// Refuses the first entry of `matrix` that is not finite.
pub(crate) fn require_finite(what: &str, matrix: &DMatrix<f64>) -> Result<(), DynamicsError> {
    // A pass without branches, which vectorises; the entry is looked up only when there is one.
    if matrix.iter().fold(true, |finite, x| finite & x.is_finite()) {
        return Ok(());
    }
    let index = matrix.iter().position(|x| !x.is_finite()).expect("the pass above found one");
    let (row, column) = (index % matrix.nrows(), index / matrix.nrows());
    Err(DynamicsError::NotFinite {
        what: what.to_owned(),
        row,
        column,
        value: matrix[(row, column)],
    })
}

/// Refuses a matrix whose shape is not `rows x columns`.
pub(crate) fn require_shape(
    what: &str,
    matrix: &DMatrix<f64>,
    (rows, columns): (usize, usize),
) -> Result<(), DynamicsError> {
    if matrix.shape() == (rows, columns) {
        return Ok(());
    }
    Err(DynamicsError::Shape {
        what: what.to_owned(),
        found_rows: matrix.nrows(),
        found_columns: matrix.ncols(),
        expected: format!("{rows} x {columns}"),
    })
}

/// Refuses a time constant that is not finite and positive.
pub(crate) fn require_positive(what: &str, value: f64) -> Result<(), DynamicsError> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(DynamicsError::Range { what: what.to_owned(), value, allowed: "positive and finite" })
}

/// Refuses a number that is not finite.
pub(crate) fn require_finite_number(what: &str, value: f64) -> Result<(), DynamicsError> {
    if value.is_finite() {
        return Ok(());
    }
    Err(DynamicsError::Range { what: what.to_owned(), value, allowed: "finite" })
}

/// Refuses a start state of the wrong length or with an entry that is not finite.
pub(crate) fn checked_initial_state(
    dim: usize,
    state: Vec<f64>,
) -> Result<Vec<f64>, DynamicsError> {
    let state = DMatrix::from_vec(state.len(), 1, state);
    require_shape("initial state", &state, (dim, 1))?;
    require_finite("initial state", &state)?;
    Ok(state.data.into())
}
