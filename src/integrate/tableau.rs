//! Coefficients of Runge-Kutta methods.

/// A Runge-Kutta method, explicit or with a constant diagonal after an explicit first stage, with its error estimate and continuous extension.
///
/// Rows of the stage array: `0..stages` are the stages `k_1..k_s`, row `stages` is the derivative
/// at the end of the step (the first stage of the next one, never evaluated twice), rows after it
/// are extra stages that only dense output needs.
#[derive(Debug)]
pub struct Tableau {
    /// Stages `s` before the derivative at the end.
    pub stages: usize,
    /// Times of all rows as fractions of the step.
    pub c: &'static [f64],
    /// Row `i` holds the coefficients `a_ij` of row `i`; shorter rows end in zeros. Row `stages`
    /// repeats the weights.
    pub a: &'static [&'static [f64]],
    /// Weights of the solution.
    pub b: &'static [f64],
    /// How the local error is estimated.
    pub error: ErrorEstimate,
    /// Continuous extension: `weights(theta, w)` writes the weight of every row, so that
    /// `y(t + theta h) = y + h sum_j w_j k_j`.
    pub weights: fn(f64, &mut [f64]),
    /// Order of the continuous extension, uniformly in `theta`.
    pub dense_order: u32,
    /// Length of the interval of stability on the negative real axis.
    pub stability_limit: f64,
}

/// Coefficients of the local error estimate `h sum_j e_j k_j`.
#[derive(Debug, Clone, Copy)]
pub enum ErrorEstimate {
    /// None: a fixed-step method.
    None,
    /// The difference to one embedded method.
    Single(&'static [f64]),
    /// The larger of two estimates: the differences to a fifth- and a third-order embedded method
    /// combined as in DOP853, and a linear one of order six.
    Guarded {
        /// Difference to the fifth-order method.
        five: &'static [f64],
        /// Difference to the third-order method.
        three: &'static [f64],
        /// The linear estimate.
        six: &'static [f64],
    },
}

impl Tableau {
    /// Rows of the stage array.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.c.len()
    }
}

/// `1` when `i == j`: the weight of a derivative that enters by itself.
pub(crate) fn unit(i: usize, j: usize) -> f64 {
    if i == j { 1.0 } else { 0.0 }
}
