//! Passing rows to a result file while a run goes on, and watching for the wish to stop.

use std::ops::ControlFlow;

use crate::dynamics::Dynamics;
use crate::experiment::Context;
use crate::integrate::{Flow, Observer, Step, Stretch};
use crate::results::{ResultError, ResultWriter};

/// Writes every row and reports progress; stops the run when the user asks or a write fails.
pub(super) struct Recorder<'a, 'c> {
    dynamics: &'a dyn Dynamics,
    writer: &'a mut dyn ResultWriter,
    context: &'a Context<'c>,
    t_span: (f64, f64),
    observables: Vec<f64>,
    residual: Option<usize>,
    error: Option<ResultError>,
    rows: usize,
}

impl<'a, 'c> Recorder<'a, 'c> {
    pub(super) fn new(
        dynamics: &'a dyn Dynamics,
        writer: &'a mut dyn ResultWriter,
        context: &'a Context<'c>,
        t_span: (f64, f64),
    ) -> Self {
        let count = dynamics.observables().len() * dynamics.layout().columns();
        Self {
            dynamics,
            writer,
            context,
            t_span,
            observables: vec![0.0; count],
            residual: dynamics.observables().iter().position(|o| o.name == "residual"),
            error: None,
            rows: 0,
        }
    }

    /// Rows written, or the first error of writing.
    pub(super) fn finish(self) -> Result<usize, ResultError> {
        self.error.map_or(Ok(self.rows), Err)
    }

    fn report(&self, t: f64, fields: &[(&str, f64)]) {
        let (start, end) = self.t_span;
        let done = 100.0 * (t - start) / (end - start);
        self.context.progress.update(done as u64, fields);
    }

    /// The largest residual over the targets in the last row.
    fn last_residual(&self) -> f64 {
        let columns = self.dynamics.layout().columns();
        let range = self.residual.map_or(0..0, |k| k * columns..(k + 1) * columns);
        self.observables[range].iter().fold(0.0, |largest: f64, x| largest.max(*x))
    }
}

impl Observer for Recorder<'_, '_> {
    fn on_row(&mut self, t: f64, y: &[f64]) -> Flow {
        self.dynamics.observe(t, y, &mut self.observables);
        if let Err(error) = self.writer.append_row(t, y, &self.observables) {
            self.error.get_or_insert(error);
            return ControlFlow::Break(());
        }
        self.rows += 1;
        if self.rows.is_multiple_of(PROGRESS_ROWS) {
            self.report(t, &[("t", t), ("residual", self.last_residual())]);
        }
        // A step may hold any number of rows.
        if self.context.interrupt.is_raised() { ControlFlow::Break(()) } else { Flow::Continue(()) }
    }

    fn on_stretch(&mut self, stretch: &mut Stretch<'_>) -> Flow {
        if self.context.interrupt.is_raised() {
            return ControlFlow::Break(());
        }
        self.report(stretch.t1(), &[("residual", self.last_residual())]);
        Flow::Continue(())
    }

    fn on_step(&mut self, step: &mut Step<'_, '_>) -> Flow {
        if self.context.interrupt.is_raised() {
            return ControlFlow::Break(());
        }
        let steps = step.statistics().n_steps;
        if steps.is_multiple_of(PROGRESS_STEPS) {
            let fields = [("t", step.t1()), ("h", step.h()), ("residual", self.last_residual())];
            self.report(step.t1(), &fields);
        }
        Flow::Continue(())
    }
}

/// Rows between two reports of progress within a step.
const PROGRESS_ROWS: usize = 1024;

/// Steps between two reports of progress: rare enough to cost nothing, frequent enough to be felt.
const PROGRESS_STEPS: u64 = 64;
