//! Why feedback could not be optimised.

use crate::linalg::LinalgError;

/// What keeps the spectral abscissa of a loop from falling further, whatever `B` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Directions of a stage that the controller cannot reach decay at `1/tau_state`.
    StateDecay,
    /// Directions of the controller that no stage reaches decay at `leak/tau_controller`.
    ControllerLeak,
    /// Every mode of the feedback has `n + 1` eigenvalues whose sum is fixed, so the largest is at
    /// least their mean `-(n/tau_state + leak/tau_controller)/(n + 1)`.
    MeanRate,
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::StateDecay => "the decay 1/tau_state of states that the controller cannot reach",
            Self::ControllerLeak => {
                "the decay leak/tau_controller of controllers that no state reaches"
            }
            Self::MeanRate => {
                "the sum of the decay rates of the loop, which feedback cannot change"
            }
        })
    }
}

/// Feedback could not be optimised.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum OptimizeError {
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
    /// The parts of the loop do not fit together.
    #[error("{what} is {found_rows} x {found_columns}, but the loop needs {rows} x {columns}")]
    Shape {
        /// The matrix.
        what: &'static str,
        /// Rows the loop needs.
        rows: usize,
        /// Columns the loop needs.
        columns: usize,
        /// Rows found.
        found_rows: usize,
        /// Columns found.
        found_columns: usize,
    },
    /// No feedback matrix reaches the margin.
    #[error(
        "no feedback reaches a margin of {margin}: {limit} keeps it below {below}; ask for less"
    )]
    Unreachable {
        /// The margin asked for, 1/s.
        margin: f64,
        /// Margins must be below this, 1/s.
        below: f64,
        /// What limits it.
        limit: Limit,
    },
    /// The equation of the smoothed abscissa could not be solved.
    #[error(
        "the smoothed spectral abscissa was not found within {iterations} iterations \
         (last bracket {low}, {high}); a larger smoothing usually helps"
    )]
    Smoothing {
        /// The cap.
        iterations: usize,
        /// Lower end of the last bracket.
        low: f64,
        /// Its upper end.
        high: f64,
    },
    /// An eigenvalue problem or Lyapunov equation failed.
    #[error("the linear algebra of the optimisation failed: {0}")]
    Linalg(#[from] LinalgError),
}
