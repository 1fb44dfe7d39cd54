//! One problem for every solver.

use std::sync::atomic::{AtomicBool, Ordering};

use super::errors::IntegrateError;
use super::events::Event;
use super::exact;
use super::observer::{Observer, Trajectory};
use super::options::Options;
use super::outcome::Outcome;
use super::run::Run;
use super::save_at::SaveAt;
use super::solver::Solver;
use super::steady_state::SteadyState;
use crate::dynamics::Dynamics;

/// An initial-value problem with everything that shapes its run, whatever solves it.
///
/// [`Run`] is the same for the stepping methods alone and needs no more than a vector field.
pub struct Problem<'a> {
    /// The equation.
    pub dynamics: &'a dyn Dynamics,
    /// Start and end, s.
    pub t_span: (f64, f64),
    /// State at the start.
    pub y0: Vec<f64>,
    /// Tolerances, step and caps.
    pub options: Options,
    /// Times of the rows.
    pub save_at: SaveAt,
    /// The stop at a steady state.
    pub steady_state: Option<SteadyState>,
    /// Crossings to locate.
    pub events: Vec<Event<'a>>,
    /// Ends the run when raised.
    pub interrupt: Option<&'a AtomicBool>,
}

impl<'a> Problem<'a> {
    /// A problem that starts from the initial state of `dynamics`, with default options and one row
    /// at the end.
    #[must_use]
    pub fn new(dynamics: &'a dyn Dynamics, t_span: (f64, f64)) -> Self {
        Self {
            dynamics,
            t_span,
            y0: dynamics.initial_state(),
            options: Options::default(),
            save_at: SaveAt::End,
            steady_state: None,
            events: Vec::new(),
            interrupt: None,
        }
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// Solves the problem, keeping all rows in memory.
    ///
    /// # Errors
    /// As [`solve`].
    pub fn trajectory(&self, solver: Solver) -> Result<(Trajectory, Outcome), IntegrateError> {
        let mut trajectory = Trajectory::default();
        let outcome = solve(self, solver, &mut trajectory)?;
        Ok((trajectory, outcome))
    }

    /// The same problem with other options.
    #[must_use]
    pub fn with_options(&self, options: Options) -> Problem<'_> {
        Problem {
            dynamics: self.dynamics,
            t_span: self.t_span,
            y0: self.y0.clone(),
            options,
            save_at: self.save_at.clone(),
            steady_state: self.steady_state.clone(),
            events: self.events.iter().map(Event::borrowed).collect(),
            interrupt: self.interrupt,
        }
    }

    /// The same problem for the stepping loop.
    fn run(&self, method: &'static super::Method) -> Run<'_> {
        let mut run = Run::new(self.dynamics, method, self.t_span, &self.y0)
            .options(self.options.clone())
            .save_at(self.save_at.clone());
        if let Some(steady_state) = &self.steady_state {
            run = run.stop_at_steady_state(steady_state.clone());
        }
        if let Some(flag) = self.interrupt {
            run = run.interrupt(flag);
        }
        self.events.iter().map(Event::borrowed).fold(run, Run::event)
    }
}

/// Solves a problem, passing rows and events to `observer` as they come.
///
/// Stepping methods also report steps; `exact` reports stretches between rows, on which events are
/// located; the solvers of other crates report rows only, refuse events and steady-state stops, and
/// save at their own steps with [`SaveAt::Steps`].
///
/// # Errors
/// [`IntegrateError::Invalid`] before anything happened, also for options the solver has no use
/// for; [`IntegrateError::Failed`] with the partial outcome, after the rows up to there.
pub fn solve(
    problem: &Problem<'_>,
    solver: Solver,
    observer: &mut dyn Observer,
) -> Result<Outcome, IntegrateError> {
    match solver {
        Solver::Stepping(method) => problem.run(method).integrate(observer),
        Solver::Exact => exact::solve(problem, observer),
        Solver::Foreign(backend) => super::backends::solve(problem, backend, observer),
    }
}
