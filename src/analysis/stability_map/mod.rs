//! Verdicts over two parameters of a layer loop, from one small eigenvalue problem.
//!
//! Leak, gain and time constants enter the spectrum of a layer loop only through
//! `(1 + tau_state x)(leak + tau_controller x) = gain mu` with `mu` the eigenvalues of `M B` (see
//! [`spectrum`](super::spectrum)), so all points of a map share these eigenvalues and each costs a
//! square root per mode. The boundary of stability is not read off the grid but solved for: with
//! `mu = a + i b` the mode is stable if and only if
//! `gain a < leak - tau_state tau_controller (gain b)^2 / (tau_controller + leak tau_state)^2`.

mod boundary;
mod modes;

use nalgebra::DMatrix;

pub use self::modes::{LoopModes, LoopPoint};
use super::Verdict;
use crate::dynamics::LayerLoop;
use crate::linalg::LinalgError;

/// A parameter of a layer loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LoopParameter {
    /// The leak of the controller.
    Leak,
    /// A factor of the feedback matrix.
    Gain,
    /// `tau_state / tau_controller`, changed through `tau_state`.
    TauRatio,
}

impl LoopParameter {
    /// The name in model and result files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Leak => "leak",
            Self::Gain => "gain",
            Self::TauRatio => "tau_ratio",
        }
    }

    fn check(self, value: f64) -> Result<(), MapError> {
        let (good, requirement) = match self {
            Self::Leak => (value >= 0.0, "finite and at least 0"),
            Self::Gain => (true, "finite"),
            Self::TauRatio => (value > 0.0, "finite and positive"),
        };
        if good && value.is_finite() {
            return Ok(());
        }
        Err(MapError::Value { parameter: self.name(), value, requirement })
    }
}

/// One axis of a map: what is varied and its values.
#[derive(Debug, Clone, PartialEq)]
pub struct MapAxis {
    /// What is varied.
    pub parameter: LoopParameter,
    /// Its values.
    pub values: Vec<f64>,
}

/// Verdicts over two parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct StabilityMap {
    /// The horizontal axis.
    pub x: MapAxis,
    /// The vertical axis.
    pub y: MapAxis,
    /// Spectral abscissa, 1/s; row `i`, column `j` belongs to `y.values[i]`, `x.values[j]`.
    pub abscissa: DMatrix<f64>,
    /// Verdicts, laid out as the abscissae.
    pub verdicts: DMatrix<Verdict>,
    /// Points `(x, y)` at which the verdict changes along the vertical axis, for every value of the
    /// horizontal one within the range of the vertical one, in increasing order of `y`.
    pub boundary: Vec<(f64, f64)>,
}

/// A map could not be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MapError {
    /// A value of an axis or of the loop is not usable.
    #[error("{parameter} = {value} is not allowed; it must be {requirement}")]
    Value {
        /// The parameter.
        parameter: &'static str,
        /// Its value.
        value: f64,
        /// What would be accepted.
        requirement: &'static str,
    },
    /// Both axes vary the same parameter.
    #[error("both axes of the map vary {parameter}; give two different parameters")]
    SameParameter {
        /// The parameter.
        parameter: &'static str,
    },
    /// The matrices of the loop do not fit.
    #[error(
        "the feedback matrix is {found_rows} x {found_columns}, but the loop needs {rows} x {columns}"
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
    /// The eigenvalues of `M B` could not be computed.
    #[error("the eigenvalues shared by all points of the map failed: {0}")]
    Linalg(#[from] LinalgError),
}

/// The stability map of a layer loop; parameters that are on no axis keep the loop's own values,
/// and the gain multiplies the loop's own feedback.
///
/// # Errors
/// [`MapError`] names the value or shape that is not usable, or the eigenvalue problem that failed.
pub fn stability_map(layer: &LayerLoop, x: MapAxis, y: MapAxis) -> Result<StabilityMap, MapError> {
    if x.parameter == y.parameter {
        return Err(MapError::SameParameter { parameter: x.parameter.name() });
    }
    for axis in [&x, &y] {
        axis.values.iter().try_for_each(|&value| axis.parameter.check(value))?;
    }
    let modes = LoopModes::new(layer)?;
    let shape = (y.values.len(), x.values.len());
    let mut abscissa = DMatrix::zeros(shape.0, shape.1);
    let mut verdicts = DMatrix::from_element(shape.0, shape.1, Verdict::Marginal);
    let least = y.values.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = y.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut boundary = Vec::new();
    for (j, &x_value) in x.values.iter().enumerate() {
        let column = modes.point().with(x.parameter, x_value);
        for (i, &y_value) in y.values.iter().enumerate() {
            let point = column.with(y.parameter, y_value);
            (abscissa[(i, j)], verdicts[(i, j)]) = modes.judge(&point);
        }
        let crossings = modes.crossings(&column, y.parameter, least, largest);
        boundary.extend(crossings.into_iter().map(|y_value| (x_value, y_value)));
    }
    Ok(StabilityMap { x, y, abscissa, verdicts, boundary })
}
