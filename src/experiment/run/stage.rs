//! One equation of a run, from its start to its end.

use std::path::Path;
use std::time::{Duration, Instant};

use super::convergence::Convergence;
use super::equilibrium::distances;
use super::recorder::Recorder;
use super::timed::Timed;
use super::verify::Comparison;
use super::{Plan, RunError, solver};
use crate::dynamics::{Dynamics, StateLayout};
use crate::error::Error;
use crate::experiment::check;
use crate::integrate::{self, EventHit, IntegrateError, Outcome, Problem, Solver, StepSizes};
use crate::results::{ResultWriter, RowLayout, Status, free_space};

/// One equation with the plan it is integrated by.
pub(super) struct Stage<'a, 'p, 'c> {
    pub(super) plan: &'a Plan<'p, 'c>,
    pub(super) dynamics: &'a dyn Dynamics,
    pub(super) name: &'a str,
    pub(super) suffix: &'a str,
}

/// How a stage ended, with everything the report and the file need.
pub(super) struct StageEnd {
    pub(super) name: String,
    pub(super) suffix: String,
    pub(super) layout: StateLayout,
    pub(super) t: f64,
    pub(super) y: Vec<f64>,
    pub(super) outcome: Outcome,
    /// Why the run failed, where it did.
    pub(super) failure: Option<String>,
    pub(super) interrupted: bool,
    /// Norm of the vector field at the end, per target.
    pub(super) residuals: Vec<f64>,
    pub(super) equilibrium: Option<Vec<f64>>,
    /// Largest real part of the spectrum there, 1/s.
    pub(super) spectral_abscissa: Option<f64>,
    /// Distance to the equilibrium at the end, per target.
    pub(super) errors: Option<Vec<f64>>,
    pub(super) convergence: Vec<Option<f64>>,
    pub(super) events: Vec<(String, EventHit)>,
    pub(super) steps: StepSizes,
    pub(super) wall: Duration,
    pub(super) cross_check: Option<Comparison>,
    pub(super) error_estimate: Option<Comparison>,
}

impl StageEnd {
    pub(super) fn status(&self) -> Status {
        match (self.interrupted, &self.failure) {
            (true, _) => Status::Interrupted,
            (false, Some(_)) => Status::Failed,
            (false, None) => Status::Complete,
        }
    }

    /// Why the run ended: `complete`, `steady-state`, `event`, `interrupted`, or the failure.
    pub(super) fn stop_reason(&self) -> String {
        match (&self.failure, self.interrupted) {
            (_, true) => "interrupted".to_owned(),
            (Some(failure), false) => failure.clone(),
            (None, false) => self.outcome.status.name().to_owned(),
        }
    }
}

impl Stage<'_, '_, '_> {
    /// Integrates, streaming rows to `writer`.
    pub(super) fn run(&self, writer: &mut dyn ResultWriter) -> Result<StageEnd, Error> {
        let (dynamics, section) = (self.dynamics, self.plan.section);
        let layout = dynamics.layout();
        let t_span = (section.t_span[0], section.t_span[1]);
        let y0 = dynamics.initial_state();
        let chosen = Solver::named(self.plan.solver.name()).map_err(RunError::from)?;
        let rows = self.rows()?;
        self.warn_of_size(&rows);
        writer.start_rows(rows)?;
        let known = self.known_equilibrium();
        let mut recorder = Recorder::new(dynamics, writer, self.plan.context, t_span);
        let mut steps = StepSizes::default();
        let mut convergence = known.state().map(|e| Convergence::new(layout, e, t_span.0, &y0));
        let problem = self.problem(t_span);
        let event_names: Vec<_> = problem.events.iter().map(|event| event.name.clone()).collect();
        let progress = self.plan.context.progress;
        progress.begin(&format!("integrate {}", self.name), Some(100));
        let mut watches = Timed::new((&mut recorder, (&mut steps, &mut convergence)));
        let began = Instant::now();
        let result = integrate::solve(&problem, chosen, &mut watches);
        let wall = began.elapsed().saturating_sub(watches.spent());
        if result.is_ok() && !self.plan.context.interrupt.is_raised() {
            progress.update(100, &[]);
        }
        progress.finish();
        recorder.finish()?;
        let (outcome, failure) = match result {
            Ok(outcome) => (outcome, None),
            Err(IntegrateError::Failed { reason, outcome }) => (*outcome, Some(reason.to_string())),
            Err(IntegrateError::Invalid(invalid)) => return Err(RunError::from(invalid).into()),
        };
        for warning in &outcome.warnings {
            self.plan.context.warn(format!("{}: {warning}", self.name));
        }
        let residuals = self.residuals(outcome.t, &outcome.y);
        if problem.steady_state.is_some() && outcome.status == integrate::Status::Complete {
            self.warn_of_no_rest(outcome.t, &residuals);
        }
        let is_whole = failure.is_none() && !self.plan.context.interrupt.is_raised();
        let (cross_check, error_estimate) =
            if is_whole { self.second_opinions(outcome.t)? } else { (None, None) };
        let convergence = convergence.map(Convergence::times).unwrap_or_default();
        let (equilibrium, convergence) = self.nearest(known, convergence, &outcome.y);
        let spectral_abscissa = equilibrium.as_ref().and_then(|e| self.spectral_abscissa(e));
        let named = |hit: &EventHit| (event_names[hit.event].clone(), *hit);
        Ok(StageEnd {
            name: self.name.to_owned(),
            suffix: self.suffix.to_owned(),
            layout: layout.clone(),
            residuals,
            errors: equilibrium.as_ref().map(|e| distances(layout, &outcome.y, e)),
            convergence,
            events: outcome.events.iter().map(named).collect(),
            interrupted: self.plan.context.interrupt.is_raised(),
            t: outcome.t,
            y: outcome.y.clone(),
            outcome,
            failure,
            equilibrium,
            spectral_abscissa,
            steps,
            wall,
            cross_check,
            error_estimate,
        })
    }

    /// What is integrated, and how.
    fn problem(&self, t_span: (f64, f64)) -> Problem<'_> {
        let (dynamics, section) = (self.dynamics, self.plan.section);
        let mut problem = Problem::new(dynamics, t_span);
        problem.options = solver::options(self.plan.solver, dynamics, self.plan.seed);
        problem.save_at = solver::save_at(section);
        problem.steady_state = solver::steady_state(section, dynamics.layout());
        problem.events = solver::events(section, dynamics);
        problem
    }

    /// Rows that may not fit on the disk.
    fn warn_of_size(&self, rows: &RowLayout) {
        let output = &self.plan.options.output;
        let place = output.path.as_deref().unwrap_or(Path::new("."));
        let count = check::rows(self.plan.section).filter(|_| !output.discard);
        let (Some(count), Some(free)) = (count, free_space(place)) else { return };
        let size = count.saturating_mul(rows.row_bytes() as u64);
        if size > free {
            let [size, free] = [size, free].map(|bytes| bytes as f64 / 1e9);
            self.plan.context.warn(format!(
                "{}: {count} rows take {size:.1} GB before compression, {free:.1} GB are free: \
                 choose fewer save times, or `record` less",
                self.name
            ));
        }
    }

    /// The table of rows: the blocks and observables to record.
    fn rows(&self) -> Result<RowLayout, RunError> {
        let mut rows = RowLayout::trajectory(self.dynamics.layout(), self.dynamics.observables());
        if !self.suffix.is_empty() {
            rows.group = format!("{}/{}", rows.group, self.suffix);
        }
        if let Some(names) = &self.plan.section.record {
            rows = rows.keep(names)?;
        }
        Ok(rows)
    }

    fn residuals(&self, t: f64, y: &[f64]) -> Vec<f64> {
        let mut dy = vec![0.0; y.len()];
        self.dynamics.eval(t, y, &mut dy);
        let mut norms = vec![0.0; self.dynamics.layout().columns()];
        self.dynamics.layout().column_norms(&dy, &mut norms);
        norms
    }
}
