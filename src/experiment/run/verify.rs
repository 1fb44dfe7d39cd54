//! Second opinions on a run: another solver, and tighter tolerances.

use super::RunError;
use super::stage::Stage;
use crate::integrate::{self, CrossCheck, Problem, SaveAt, Solver, Tolerances};

/// Rows at which two integrations are compared: enough to catch a difference anywhere along the
/// way, few enough to fit in memory for any system that can be integrated at all.
const ROWS: u64 = 101;

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

impl Comparison {
    fn new(solver: &str, check: CrossCheck) -> Self {
        Self {
            solver: solver.to_owned(),
            difference: check.difference,
            scaled: check.scaled_difference,
            component: check.component_name,
            time: check.t,
        }
    }
}

impl Stage<'_, '_, '_> {
    /// The comparison with another solver and the one with tighter tolerances, as asked for.
    pub(super) fn second_opinions(
        &self,
        t_end: f64,
    ) -> Result<(Option<Comparison>, Option<Comparison>), RunError> {
        let asked = &self.plan.options;
        let name = asked.cross_check.as_ref();
        let cross_check = name.map(|name| self.cross_check(name, t_end)).transpose()?;
        let error_estimate =
            asked.estimate_error.then(|| self.estimate_error(t_end)).transpose()?;
        Ok((cross_check, error_estimate))
    }

    /// Integrates again with the solver called `name` and compares.
    fn cross_check(&self, name: &str, t_end: f64) -> Result<Comparison, RunError> {
        let (own, other) = (Solver::named(self.plan.solver.name())?, Solver::named(name)?);
        let problem = self.compared(t_end);
        let (first, _) = problem.trajectory(own)?;
        let mut options = problem.options.clone();
        if let Solver::Stepping(method) = other
            && method.is_fixed_step()
            && options.step.is_none()
        {
            return Err(RunError::CrossCheckStep { solver: name.to_owned() });
        }
        if other.has_tolerances() {
            options.step = None;
        }
        let (second, _) = problem.with_options(options).trajectory(other)?;
        let check = integrate::cross_check(&first, &second, &self.tolerances(own), self.dynamics)?;
        Ok(Comparison::new(name, check))
    }

    /// Integrates again with tighter tolerances; the difference estimates the error of the run.
    fn estimate_error(&self, t_end: f64) -> Result<Comparison, RunError> {
        let solver = Solver::named(self.plan.solver.name())?;
        let problem = self.compared(t_end);
        let (own, _) = problem.trajectory(solver)?;
        let check = integrate::estimate_error(&problem, solver, &own)?;
        Ok(Comparison::new(solver.name(), check))
    }

    /// The problem of this stage with the rows that are compared.
    fn compared(&self, t_end: f64) -> Problem<'_> {
        let mut problem = Problem::new(self.dynamics, (self.plan.section.t_span[0], t_end));
        problem.options = super::solver::options(self.plan.solver, self.dynamics, self.plan.seed);
        problem.save_at = SaveAt::Count(ROWS);
        problem
    }

    /// What a difference is measured in: the solver's tolerances, or the default ones.
    fn tolerances(&self, solver: Solver) -> Tolerances {
        let options = super::solver::options(self.plan.solver, self.dynamics, self.plan.seed);
        if solver.has_tolerances() { options.tolerances } else { Tolerances::default() }
    }
}
