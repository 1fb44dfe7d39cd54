//! What the stepping loop asks of a method.

use super::method::Law;
use super::norm::ErrorNorm;
use super::outcome::Statistics;
use crate::dynamics::VectorField;

/// The vector field with its error norm and the count of what was spent on it.
pub(crate) struct Env<'a> {
    pub field: &'a dyn VectorField,
    pub norm: ErrorNorm,
    pub statistics: Statistics,
}

impl Env<'_> {
    pub(crate) fn eval(&mut self, t: f64, y: &[f64], dy: &mut [f64]) {
        self.statistics.n_rhs += 1;
        self.field.eval(t, y, dy);
    }
}

/// One step from `(t0, y0)` to `t1`; `h` is the size the method uses.
#[derive(Clone, Copy)]
pub(crate) struct Interval<'s> {
    pub t0: f64,
    pub t1: f64,
    pub h: f64,
    pub y0: &'s [f64],
}

/// Outcome of one trial step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Trial {
    /// `y1` is written; the error norm accepts the step when at most 1. Not finite when anything
    /// in the step is not.
    Done(f64),
    /// The implicit equations could not be solved; retry with this fraction of the step (1 when
    /// only the Jacobian was out of date).
    Unsolved(f64),
}

/// A one-step method bound to a dimension, with its storage.
///
/// The derivative at the start of a step is known before it (`begin` or `advance`).
pub(crate) trait Scheme {
    /// Sets the derivative at the current state.
    fn begin(&mut self, f: &[f64]);

    /// Tries a step.
    fn trial(&mut self, env: &mut Env<'_>, step: Interval<'_>, y1: &mut [f64]) -> Trial;

    /// Takes the end of the accepted step as the start of the next.
    fn advance(&mut self);

    /// Derivative at the end of the accepted step.
    fn end_derivative(&mut self, env: &mut Env<'_>, t1: f64, y1: &[f64]) -> &[f64];

    /// State at `t0 + theta h` inside the accepted step, `0 < theta < 1`.
    fn interpolate(&mut self, env: &mut Env<'_>, step: Interval<'_>, theta: f64, out: &mut [f64]);

    /// Step-control parameters in force; `None` for a fixed step.
    fn law(&self) -> Option<Law>;

    /// Local error estimate of the last trial.
    fn error(&self) -> &[f64];

    /// First component of the last trial that is not finite, in order of computation.
    fn first_non_finite(&self) -> Option<usize>;

    /// Share of the stability interval that the accepted step used. `None` where stability does
    /// not bound the step or nothing is known about it.
    fn stability_use(&self) -> Option<f64> {
        None
    }

    /// Adjusts the proposal for the next step after an accepted one.
    fn propose(&mut self, env: &mut Env<'_>, step: Interval<'_>, y1: &[f64], h_next: f64) -> f64 {
        let _ = (env, step, y1);
        h_next
    }
}
