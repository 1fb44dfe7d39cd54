//! BDF of the crate `diffsol`.
//!
//! What version 0.18 leaves to its caller is done here: a cap on the number of steps, a check of every
//! state, a least step in proportion to the span instead of an absolute one, and no cap on the
//! failures of a whole run (a single step has one). Rows are stop times. Time runs forward inside,
//! from 0 at the start.

use std::cell::Cell;

use diffsol::{
    DiffsolError, NalgebraLU, NalgebraMat, NalgebraVec, OdeBuilder, OdeEquations, OdeSolverMethod,
    OdeSolverStopReason,
};

use super::{Adapter, Halt, OnStep, Setting};
use crate::integrate::errors::{FailureReason, InvalidRun};
use crate::integrate::outcome::Statistics;

/// Least step relative to the span; the crate's own 1e-13 is absolute.
const LEAST_STEP: f64 = 1e-18;
/// The crate refuses stop times within 100 units of roundoff of the present time: such a row is taken
/// to be reached.
const ROUNDOFF: f64 = 200.0 * f64::EPSILON;

/// Sets the solver up and lets `drive` use it.
pub(super) fn with<R>(
    setting: &Setting<'_>,
    y0: &[f64],
    drive: impl FnOnce(&mut dyn Adapter) -> R,
) -> Result<R, InvalidRun> {
    refuse(setting)?;
    let (field, direction, t0) = (setting.field, setting.direction, setting.t_span.0);
    let evaluations = Cell::new(0_u64);
    let rhs = |y: &[f64], _p: &[f64], s: f64, dy: &mut [f64]| {
        evaluations.set(evaluations.get() + 1);
        field.eval(t0 + direction * s, y, dy);
        dy.iter_mut().for_each(|dy| *dy *= direction);
    };
    let products = |y: &[f64], _p: &[f64], s: f64, v: &[f64], out: &mut [f64]| {
        field.jvp(t0 + direction * s, y, v, out);
        out.iter_mut().for_each(|out| *out *= direction);
    };
    let n = y0.len();
    let start = y0.to_vec();
    let failed = |error: DiffsolError| InvalidRun::Foreign {
        solver: setting.name,
        message: error.to_string(),
    };
    let mut problem = OdeBuilder::<NalgebraMat<f64>>::new()
        .rtol(setting.tolerances.rtol)
        .atol((0..n).map(|i| setting.tolerances.atol.at(i)))
        .rhs_implicit(rhs, products)
        .init(move |_p: &[f64], _s: f64, y: &mut [f64]| y.copy_from_slice(&start), n)
        .build()
        .map_err(failed)?;
    let span = (setting.t_span.1 - t0).abs();
    problem.ode_options.min_timestep = (LEAST_STEP * span).max(f64::MIN_POSITIVE);
    problem.ode_options.max_nonlinear_solver_failures = usize::MAX;
    let solver = problem.bdf::<NalgebraLU<f64>>().map_err(failed)?;
    let mut running = Running {
        setting,
        solver,
        evaluations: &evaluations,
        t: t0,
        y: y0.to_vec(),
        statistics: Statistics::default(),
        equations: std::marker::PhantomData,
    };
    Ok(drive(&mut running))
}

fn refuse(setting: &Setting<'_>) -> Result<(), InvalidRun> {
    let options = [
        ("a first step", setting.initial_step, "leave it out, the crate chooses its own"),
        ("a largest step", setting.max_step, "leave it out or use `implicit`"),
    ];
    for (what, value, remedy) in options {
        if value.is_some() {
            return Err(InvalidRun::Unsupported { solver: setting.name, what, remedy });
        }
    }
    Ok(())
}

struct Running<'r, 'p, Equations, Solver> {
    setting: &'r Setting<'r>,
    solver: Solver,
    evaluations: &'r Cell<u64>,
    t: f64,
    y: Vec<f64>,
    statistics: Statistics,
    equations: std::marker::PhantomData<&'p Equations>,
}

impl<'p, Equations, Solver> Running<'_, 'p, Equations, Solver>
where
    Equations: OdeEquations<T = f64, V = NalgebraVec<f64>> + 'p,
    Solver: OdeSolverMethod<'p, Equations>,
{
    fn local(&self, t: f64) -> f64 {
        (t - self.setting.t_span.0) * self.setting.direction
    }

    fn foreign(&self, error: &DiffsolError) -> Halt {
        let (solver, t) = (self.setting.name, self.t);
        Halt::Failed(FailureReason::Foreign { solver, t, message: error.to_string() })
    }

    /// One step; says whether the stop time was reached.
    fn step(&mut self, goal: f64) -> Result<bool, Halt> {
        let max_steps = self.setting.max_steps;
        if self.attempts() >= max_steps {
            let (t_end, h) = (self.setting.t_span.1, self.statistics.h_last);
            return Err(Halt::Failed(FailureReason::MaxSteps { max_steps, t: self.t, t_end, h }));
        }
        let reason = self.solver.step().map_err(|error| self.foreign(&error))?;
        let state = self.solver.state();
        let y = state.y.batch_as_slice(0);
        let reached = matches!(reason, OdeSolverStopReason::TstopReached);
        let t =
            if reached { goal } else { self.setting.t_span.0 + self.setting.direction * state.t };
        if let Some(i) = y.iter().position(|y| !y.is_finite()) {
            let component = self.setting.field.component_name(i);
            return Err(Halt::Failed(FailureReason::NonFinite {
                t: self.t,
                h: t - self.t,
                component,
            }));
        }
        self.y.copy_from_slice(y);
        self.statistics.accept(t - self.t);
        self.t = t;
        Ok(reached)
    }

    fn attempts(&self) -> u64 {
        let counts = self.solver.get_statistics();
        let failures =
            counts.number_of_error_test_failures + counts.number_of_nonlinear_solver_fails;
        (counts.number_of_steps + failures) as u64
    }
}

impl<'p, Equations, Solver> Adapter for Running<'_, 'p, Equations, Solver>
where
    Equations: OdeEquations<T = f64, V = NalgebraVec<f64>> + 'p,
    Solver: OdeSolverMethod<'p, Equations>,
{
    fn advance(&mut self, t: f64, y: &mut [f64], on_step: OnStep<'_>) -> Result<(), Halt> {
        let mut result = Ok(());
        let (present, stop) = (self.solver.state().t, self.local(t));
        if stop - present <= ROUNDOFF * stop {
            self.t = t;
        } else if let Err(error) = self.solver.set_stop_time(stop) {
            result = Err(self.foreign(&error));
        }
        while result.is_ok() && self.t != t {
            result = self.step(t).and_then(|_| {
                if on_step(self.t, &self.y).is_break() { Err(Halt::Stopped) } else { Ok(()) }
            });
        }
        y.copy_from_slice(&self.y);
        result
    }

    fn time(&self) -> f64 {
        self.t
    }

    fn statistics(&self) -> Statistics {
        let counts = self.solver.get_statistics();
        Statistics {
            n_rejected: self.attempts() - counts.number_of_steps as u64,
            n_rhs: self.evaluations.get(),
            n_factor: counts.number_of_linear_solver_setups as u64,
            n_newton: counts.number_of_nonlinear_solver_iterations as u64,
            ..self.statistics
        }
    }
}
