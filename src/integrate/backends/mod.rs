//! Solvers of other crates behind our interface, for independent checks.
//!
//! Each is driven only in the ways found to be right: rows are ends of intervals that the solver is
//! told to reach, never values of its dense output; every state is checked; every run has a cap; time
//! runs forward inside the solver, whatever its direction outside.

#[cfg(feature = "diffsol")]
mod diffsol_bdf;
mod ode_solvers;

use std::ops::ControlFlow;

use super::errors::{FailureReason, IntegrateError, InvalidRun};
use super::observer::{Flow, Observer};
use super::outcome::{Outcome, Statistics, Status, Warning};
use super::problem::Problem;
use super::save_at::SaveGrid;
use super::tolerance::Tolerances;
use crate::dynamics::VectorField;

/// A solver of another crate.
#[derive(Debug)]
pub struct Backend {
    /// Kebab-case name, as in model files.
    pub name: &'static str,
    /// Order of the solution that is advanced; the highest one where it varies.
    pub order: u32,
    /// One line for listings.
    pub summary: &'static str,
    /// Where the method comes from.
    pub reference: &'static str,
    /// The cargo feature without which it only says that it is missing.
    pub feature: Option<&'static str>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    OdeSolvers(ode_solvers::Pair),
    DiffsolBdf,
}

/// Every solver of another crate.
pub static BACKENDS: &[&Backend] = &[
    &Backend {
        name: "ode-solvers-dopri5",
        order: 5,
        summary: "Dormand-Prince 5(4) of the crate ode_solvers, for cross-checks",
        reference: "Renevey, ode_solvers 0.6; Hairer, Norsett & Wanner 1993, section II.5",
        feature: None,
        kind: Kind::OdeSolvers(ode_solvers::Pair::Dopri5),
    },
    &Backend {
        name: "ode-solvers-dop853",
        order: 8,
        summary: "Dormand-Prince 8(5,3) of the crate ode_solvers, for cross-checks",
        reference: "Renevey, ode_solvers 0.6; Hairer, Norsett & Wanner 1993, section II.10",
        feature: None,
        kind: Kind::OdeSolvers(ode_solvers::Pair::Dop853),
    },
    &Backend {
        name: "diffsol-bdf",
        order: 5,
        summary: "BDF of orders 1 to 5 of the crate diffsol, for stiff cross-checks (cargo feature diffsol)",
        reference: "Robinson et al., diffsol 0.18; Shampine & Reichelt 1997, SIAM J. Sci. Comput. 18",
        feature: Some("diffsol"),
        kind: Kind::DiffsolBdf,
    },
];

impl Backend {
    /// Whether this program was built with it.
    #[must_use]
    pub fn is_built(&self) -> bool {
        self.feature.is_none() || cfg!(feature = "diffsol")
    }
}

impl PartialEq for Backend {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// What an adapter is given.
struct Setting<'p> {
    name: &'static str,
    field: &'p dyn VectorField,
    t_span: (f64, f64),
    /// Sign of time.
    direction: f64,
    tolerances: Tolerances,
    max_steps: u64,
    initial_step: Option<f64>,
    max_step: Option<f64>,
}

/// Called with every accepted step.
type OnStep<'s> = &'s mut dyn FnMut(f64, &[f64]) -> Flow;

/// Why an advance ended before its goal.
enum Halt {
    /// The caller's wish.
    Stopped,
    Failed(FailureReason),
}

/// One run of a foreign solver.
trait Adapter {
    /// Moves from the present time to `t` exactly and writes the state there to `y`. On a halt the
    /// state is that of the last accepted step.
    fn advance(&mut self, t: f64, y: &mut [f64], on_step: OnStep<'_>) -> Result<(), Halt>;

    /// Time of the last accepted step.
    fn time(&self) -> f64;

    fn statistics(&self) -> Statistics;
}

/// Solves a problem with a foreign solver.
pub(super) fn solve(
    problem: &Problem<'_>,
    backend: &'static Backend,
    observer: &mut dyn Observer,
) -> Result<Outcome, IntegrateError> {
    let grid = SaveGrid::new(&problem.save_at, problem.t_span.0, problem.t_span.1);
    let (setting, warnings) = check(problem, backend)?;
    let grid = grid.map_err(InvalidRun::from)?;
    let drive = Drive { problem, observer, grid, y: problem.y0.clone(), last_row: None };
    match backend.kind {
        Kind::OdeSolvers(pair) => {
            let mut segments = ode_solvers::Segments::new(setting, pair, &problem.y0)?;
            drive.run(&mut segments, warnings)
        }
        #[cfg(feature = "diffsol")]
        Kind::DiffsolBdf => {
            diffsol_bdf::with(&setting, &problem.y0, |adapter| drive.run(adapter, warnings))?
        }
        #[cfg(not(feature = "diffsol"))]
        Kind::DiffsolBdf => {
            Err(InvalidRun::NotBuilt { solver: backend.name, feature: "diffsol" }.into())
        }
    }
}

/// Refuses what the solver cannot do and starts that make no sense.
fn check<'p>(
    problem: &'p Problem<'_>,
    backend: &'static Backend,
) -> Result<(Setting<'p>, Vec<Warning>), InvalidRun> {
    let (t0, t1) = problem.t_span;
    let solver = backend.name;
    let remedy = "use a solver of this program, such as `auto`";
    if !problem.events.is_empty() {
        return Err(InvalidRun::Unsupported { solver, what: "events", remedy });
    }
    if problem.steady_state.is_some() {
        let what = "the stop at a steady state";
        return Err(InvalidRun::Unsupported { solver, what, remedy });
    }
    for (end, value) in [("t_start", t0), ("t_end", t1)] {
        if !value.is_finite() {
            return Err(InvalidRun::Time { end, value });
        }
    }
    let field: &dyn VectorField = problem.dynamics;
    super::exact::start_derivative(problem.dynamics, t0, &problem.y0)?;
    let options = &problem.options;
    for (option, value) in [
        ("initial_step", options.initial_step),
        ("max_step", options.max_step),
        ("max_steps", Some(options.max_steps as f64)),
    ] {
        if let Some(value) = value.filter(|x| !(*x > 0.0 && x.is_finite())) {
            return Err(InvalidRun::Option { option, value });
        }
    }
    let (tolerances, warnings) = options.tolerances.validate(field, &problem.y0)?;
    let setting = Setting {
        name: solver,
        field,
        t_span: problem.t_span,
        direction: if t1 < t0 { -1.0 } else { 1.0 },
        tolerances,
        max_steps: options.max_steps,
        initial_step: options.initial_step,
        max_step: options.max_step,
    };
    Ok((setting, warnings))
}

struct Drive<'p, 'a, 'o> {
    problem: &'p Problem<'a>,
    observer: &'o mut dyn Observer,
    grid: SaveGrid,
    y: Vec<f64>,
    last_row: Option<f64>,
}

impl Drive<'_, '_, '_> {
    fn run(
        mut self,
        adapter: &mut dyn Adapter,
        warnings: Vec<Warning>,
    ) -> Result<Outcome, IntegrateError> {
        let result = self.advance(adapter);
        let (t, y) = (adapter.time(), &self.y);
        if self.grid.saves_the_end() && self.last_row != Some(t) {
            // The run is over: there is nothing left to stop.
            let _: Flow = self.observer.on_row(t, y);
        }
        let status = match &result {
            Ok(status) => *status,
            Err(FailureReason::MaxSteps { .. }) => Status::MaxSteps,
            Err(_) => Status::Failed,
        };
        let outcome = Outcome {
            status,
            t,
            y: self.y,
            statistics: adapter.statistics(),
            warnings,
            events: Vec::new(),
            equilibrium: None,
        };
        match result {
            Ok(_) => Ok(outcome),
            Err(reason) => Err(IntegrateError::Failed { reason, outcome: Box::new(outcome) }),
        }
    }

    fn advance(&mut self, adapter: &mut dyn Adapter) -> Result<Status, FailureReason> {
        let (start, end) = self.problem.t_span;
        if self.grid.peek() == Some(start) {
            self.grid.advance();
            if self.row(start).is_break() {
                return Ok(Status::Stopped);
            }
        }
        while adapter.time() != end {
            let saves_steps = self.grid.saves_steps();
            let goal = self.grid.peek();
            self.grid.advance();
            let Self { problem, observer, last_row, .. } = self;
            let mut on_step = |t: f64, y: &[f64]| {
                if saves_steps && t != end {
                    *last_row = Some(t);
                    observer.on_row(t, y)?;
                }
                if problem.is_interrupted() {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            };
            match adapter.advance(goal.unwrap_or(end), &mut self.y, &mut on_step) {
                Err(Halt::Failed(reason)) => return Err(reason),
                Err(Halt::Stopped) if self.problem.is_interrupted() => {
                    return Ok(Status::Interrupted);
                }
                Err(Halt::Stopped) => return Ok(Status::Stopped),
                Ok(()) => {}
            }
            if goal.is_some() && self.row(adapter.time()).is_break() {
                return Ok(Status::Stopped);
            }
        }
        Ok(Status::Complete)
    }

    fn row(&mut self, t: f64) -> Flow {
        self.last_row = Some(t);
        self.observer.on_row(t, &self.y)
    }
}
