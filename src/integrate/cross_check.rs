//! Comparing a run with a second solution of the same problem.

use std::ops::ControlFlow;

use super::errors::{FailureReason, InvalidRun};
use super::method::Method;
use super::observer::{Flow, Observer};
use super::options::Options;
use super::outcome::Statistics;
use super::run::Run;
use super::stepper::Integrator;
use super::tolerance::{MIN_RTOL, Tolerances};
use crate::dynamics::VectorField;

/// A solution that can be asked for its state at times in the order of integration.
pub trait Solution {
    /// Writes the state at `t` to `y`; `t` never goes back.
    ///
    /// # Errors
    /// [`FailureReason`] when the solution cannot be continued to `t`.
    fn state_at(&mut self, t: f64, y: &mut [f64]) -> Result<(), FailureReason>;

    /// Work done so far.
    fn statistics(&self) -> Statistics;
}

impl Solution for Integrator<'_> {
    fn state_at(&mut self, t: f64, y: &mut [f64]) -> Result<(), FailureReason> {
        while !self.has_reached(t) {
            if self.step()?.is_none() {
                break;
            }
        }
        match self.last_step() {
            Some(mut step) => step.interpolate(t, y),
            None => y.copy_from_slice(self.state()),
        }
        Ok(())
    }

    fn statistics(&self) -> Statistics {
        Self::statistics(self)
    }
}

/// An observer that holds every row of a run against a second solution, advanced beside it. Needs
/// no memory for rows.
///
/// ```
/// # use dynamic_inversion::dynamics::VectorField;
/// # use dynamic_inversion::integrate::{CrossCheck, DOP853, DOPRI5, Run, SaveAt};
/// # use nalgebra::DMatrix;
/// # struct Decay;
/// # impl VectorField for Decay {
/// #     fn dim(&self) -> usize { 1 }
/// #     fn eval(&self, _t: f64, y: &[f64], dy: &mut [f64]) { dy[0] = -y[0]; }
/// #     fn jacobian(&self, _t: f64, _y: &[f64], jac: &mut DMatrix<f64>) { jac[(0, 0)] = -1.0; }
/// # }
/// let run = Run::new(&Decay, &DOPRI5, (0.0, 5.0), &[1.0]).save_at(SaveAt::Every(0.5));
/// let mut check = CrossCheck::by_method(&run, &DOP853)?;
/// run.integrate(&mut check)?;
/// assert!(check.comparison().in_tolerances < 10.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CrossCheck<'a> {
    field: &'a dyn VectorField,
    tolerances: Tolerances,
    solution: Box<dyn Solution + 'a>,
    /// Error of the run per difference to the second solution.
    factor: f64,
    largest: Largest,
    rows: u64,
    failure: Option<FailureReason>,
    y: Vec<f64>,
}

#[derive(Clone, Copy, Default)]
struct Largest {
    absolute: f64,
    in_tolerances: f64,
    component: usize,
    t: f64,
}

/// The largest difference between a run and a second solution.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Largest absolute difference over all rows and components.
    pub absolute: f64,
    /// Largest difference in units of `atol_i + rtol |y_i|` of the run.
    pub in_tolerances: f64,
    /// Component in which that occurred.
    pub component: String,
    /// Time at which it occurred.
    pub t: f64,
    /// Rows compared.
    pub rows: u64,
    /// Work of the second solution.
    pub statistics: Statistics,
    /// Why the second solution ended early, if it did; later rows were not compared.
    pub failure: Option<FailureReason>,
}

impl<'a> CrossCheck<'a> {
    /// Against any solution of the problem of `run`.
    pub fn against(run: &Run<'a>, solution: Box<dyn Solution + 'a>) -> Self {
        let field = run.field();
        Self {
            field,
            tolerances: run.chosen_options().tolerances.clone(),
            solution,
            factor: 1.0,
            largest: Largest::default(),
            rows: 0,
            failure: None,
            y: vec![0.0; field.dim()],
        }
    }

    /// Against another method with the options of the run.
    ///
    /// # Errors
    /// As [`Integrator::new`].
    pub fn by_method(run: &Run<'a>, method: &'static Method) -> Result<Self, InvalidRun> {
        let integrator = Integrator::new(
            run.field(),
            method,
            run.chosen_options(),
            run.t_span(),
            run.initial_state(),
        )?;
        Ok(Self::against(run, Box::new(integrator)))
    }

    /// Estimates the error of the run: against the same method at a tenth of the tolerances, or at
    /// half the step. The difference is scaled to the error of the run on the assumption that
    /// errors are proportional to the tolerance, or to the power of the step that is the order.
    ///
    /// # Errors
    /// As [`Integrator::new`], and [`InvalidRun::NoFinerTolerance`] when `rtol` is already next to
    /// machine precision.
    pub fn by_finer_run(run: &Run<'a>) -> Result<Self, InvalidRun> {
        let (method, given) = (run.method(), run.chosen_options());
        let rtol = given.tolerances.rtol;
        if !method.is_fixed_step() && rtol > 0.0 && rtol < 10.0 * MIN_RTOL {
            return Err(InvalidRun::NoFinerTolerance { rtol, least: 10.0 * MIN_RTOL });
        }
        let finer = Options {
            tolerances: given.tolerances.scaled(0.1),
            step: given.step.map(|h| 0.5 * h),
            max_steps: given.max_steps.saturating_mul(4),
            ..given.clone()
        };
        let integrator =
            Integrator::new(run.field(), method, &finer, run.t_span(), run.initial_state())?;
        let gain = if method.is_fixed_step() { 2f64.powf(f64::from(method.order)) } else { 10.0 };
        let factor = gain / (gain - 1.0);
        Ok(Self { factor, ..Self::against(run, Box::new(integrator)) })
    }

    /// What was found so far.
    #[must_use]
    pub fn comparison(&self) -> Comparison {
        Comparison {
            absolute: self.factor * self.largest.absolute,
            in_tolerances: self.factor * self.largest.in_tolerances,
            component: self.field.component_name(self.largest.component),
            t: self.largest.t,
            rows: self.rows,
            statistics: self.solution.statistics(),
            failure: self.failure.clone(),
        }
    }
}

impl Observer for CrossCheck<'_> {
    fn on_row(&mut self, t: f64, y: &[f64]) -> Flow {
        if self.failure.is_some() {
            return ControlFlow::Continue(());
        }
        if let Err(failure) = self.solution.state_at(t, &mut self.y) {
            self.failure = Some(failure);
            return ControlFlow::Continue(());
        }
        self.rows += 1;
        for (i, (a, b)) in y.iter().zip(&self.y).enumerate() {
            let difference = (a - b).abs();
            let weight = self.tolerances.atol.at(i) + self.tolerances.rtol * a.abs();
            let scaled = if difference == 0.0 { 0.0 } else { difference / weight };
            self.largest.absolute = self.largest.absolute.max(difference);
            if scaled > self.largest.in_tolerances {
                self.largest.in_tolerances = scaled;
                (self.largest.component, self.largest.t) = (i, t);
            }
        }
        ControlFlow::Continue(())
    }
}
