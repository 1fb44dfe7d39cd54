//! Second opinions on a run: another solver, and tighter tolerances.

use super::stage::Stage;
use super::{RunError, solver};
use crate::integrate::{IntegrateError, Method, Options, Run, SaveAt, Tolerances, Trajectory};
use crate::model::spec::Solver;

/// Rows at which two integrations are compared: enough to catch a difference anywhere along the
/// way, few enough to fit in memory for any system that can be integrated at all.
const ROWS: u64 = 101;

/// Factor between the tolerances (or steps) of the two integrations of an error estimate.
const TIGHTER: f64 = 0.1;

/// How far two integrations of the same problem lie apart.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Comparison {
    /// The solver compared with.
    pub solver: String,
    /// Largest difference over all rows and components.
    pub difference: f64,
    /// The same in units of the tolerance `atol + rtol |y|`.
    pub scaled: f64,
    /// The component where the scaled difference is largest.
    pub component: String,
    /// The time of that row, s.
    pub time: f64,
}

impl Stage<'_, '_, '_> {
    /// Integrates again with the solver called `name` and compares.
    pub(super) fn cross_check(&self, name: &str, t_end: f64) -> Result<Comparison, RunError> {
        let method = Method::named(name)?;
        let mut options = self.options();
        if method.is_fixed_step() && options.step.is_none() {
            return Err(RunError::CrossCheckStep { solver: name.to_owned() });
        }
        let own = self.trajectory(Method::named(self.plan.solver.name())?, &options, t_end)?;
        if !method.is_fixed_step() {
            options.step = None;
        }
        let other = self.trajectory(method, &options, t_end)?;
        Ok(self.compare(name, &own, &other))
    }

    /// Integrates again with tolerances (or steps) ten times smaller; the difference estimates the
    /// error of the run.
    pub(super) fn estimate_error(&self, t_end: f64) -> Result<Comparison, RunError> {
        let method = Method::named(self.plan.solver.name())?;
        let options = self.options();
        let own = self.trajectory(method, &options, t_end)?;
        let tighter = Options {
            tolerances: options.tolerances.scaled(TIGHTER),
            step: options.step.map(|step| step * TIGHTER),
            max_steps: options.max_steps.saturating_mul(100),
            ..options
        };
        let other = self.trajectory(method, &tighter, t_end)?;
        Ok(self.compare(method.name, &own, &other))
    }

    fn options(&self) -> Options {
        solver::options(self.plan.solver, self.dynamics.layout())
    }

    fn trajectory(
        &self,
        method: &'static Method,
        options: &Options,
        t_end: f64,
    ) -> Result<Trajectory, RunError> {
        let t_span = (self.plan.section.t_span[0], t_end);
        let y0 = self.dynamics.initial_state();
        let run = Run::new(self.dynamics, method, t_span, &y0)
            .options(options.clone())
            .save_at(SaveAt::Count(ROWS));
        match run.trajectory() {
            Ok((trajectory, _)) => Ok(trajectory),
            Err(IntegrateError::Invalid(invalid)) => Err(invalid.into()),
            Err(IntegrateError::Failed { reason, .. }) => {
                Err(RunError::SecondRun { solver: method.name.to_owned(), reason })
            }
        }
    }

    /// The largest difference, in absolute terms and in units of the run's own tolerances.
    fn compare(&self, solver: &str, a: &Trajectory, b: &Trajectory) -> Comparison {
        let tolerances = match self.plan.solver {
            Solver::Rk4(_) | Solver::Euler(_) | Solver::SemiImplicitEuler(_) => {
                Tolerances::default()
            }
            _ => self.options().tolerances,
        };
        let mut worst = Comparison {
            solver: solver.to_owned(),
            difference: 0.0,
            scaled: 0.0,
            component: String::new(),
            time: self.plan.section.t_span[0],
        };
        for (row, t) in a.times.iter().enumerate() {
            for (i, (x, y)) in a.state(row).iter().zip(b.state(row)).enumerate() {
                let difference = (x - y).abs();
                let scale = tolerances.atol.at(i) + tolerances.rtol * x.abs().max(y.abs());
                worst.difference = worst.difference.max(difference);
                if difference > worst.scaled * scale {
                    worst.scaled = difference / scale;
                    worst.component = self.dynamics.component_name(i);
                    worst.time = *t;
                }
            }
        }
        worst
    }
}
