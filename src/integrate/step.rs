//! One accepted step.

use super::outcome::Statistics;
use super::scheme::Interval;
use super::steady_state::{Equilibrium, Refusal, SteadyWatch};
use super::stepper::Integrator;

/// The last accepted step of an [`Integrator`].
pub struct Step<'i, 'a> {
    pub(super) integrator: &'i mut Integrator<'a>,
}

impl Step<'_, '_> {
    /// Start of the step.
    #[must_use]
    pub fn t0(&self) -> f64 {
        self.integrator.t0
    }

    /// End of the step.
    #[must_use]
    pub fn t1(&self) -> f64 {
        self.integrator.t
    }

    /// Signed size of the step.
    #[must_use]
    pub fn h(&self) -> f64 {
        self.integrator.h
    }

    /// State at the start.
    #[must_use]
    pub fn y0(&self) -> &[f64] {
        &self.integrator.y0
    }

    /// State at the end.
    #[must_use]
    pub fn y1(&self) -> &[f64] {
        &self.integrator.y1
    }

    /// Derivative at the end. Free except for `semi-implicit-euler`, where it is one evaluation.
    pub fn f1(&mut self) -> &[f64] {
        let i = &mut *self.integrator;
        i.scheme.end_derivative(&mut i.env, i.t, &i.y1)
    }

    /// Local error estimate in units of the tolerance, at most 1 (0 for fixed-step methods).
    #[must_use]
    pub fn error(&self) -> f64 {
        self.integrator.error
    }

    /// Work done so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.integrator.env.statistics
    }

    /// Writes the state at `t` inside the step to `out`, from the method's continuous extension.
    /// The ends are exact. Outside the step this extrapolates; do not.
    pub fn interpolate(&mut self, t: f64, out: &mut [f64]) {
        let i = &mut *self.integrator;
        if t == i.t {
            out.copy_from_slice(&i.y1);
        } else if t == i.t0 {
            out.copy_from_slice(&i.y0);
        } else {
            let interval = Interval { t0: i.t0, t1: i.t, h: i.h, y0: &i.y0 };
            let theta = (t - i.t0) / (i.t - i.t0);
            i.scheme.interpolate(&mut i.env, interval, theta, out);
        }
    }

    /// Tells a watch about the step; the verdict when it wants one.
    pub(crate) fn steady_state(
        &mut self,
        watch: &mut SteadyWatch,
    ) -> Option<Result<Equilibrium, Refusal>> {
        let i = &mut *self.integrator;
        let f = i.scheme.end_derivative(&mut i.env, i.t, &i.y1);
        let candidate = watch.note(&mut i.env, i.t, i.h, &i.y1, f)?;
        Some(watch.confirm(&mut i.env, candidate, i.t, &i.y1, i.h.signum()))
    }
}
