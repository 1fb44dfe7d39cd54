//! Rows, events and an outcome from an exact solution.

use super::{Cursor, ExactError, ExactSolution};
use crate::integrate::errors::{FailureReason, IntegrateError, InvalidRun};
use crate::integrate::events::EventScan;
use crate::integrate::observer::{Flow, Observer, Stretch};
use crate::integrate::outcome::{EventHit, Outcome, Statistics, Status};
use crate::integrate::problem::Problem;
use crate::integrate::save_at::{SaveAt, SaveGrid};

/// Points per period of the fastest rate at which signs of events are compared, between rows.
const SAMPLES_PER_PERIOD: f64 = 16.0;
/// Points per scan of [`EventScan`].
const SAMPLES_PER_SCAN: f64 = 8.0;
/// Scans between two rows at most: modes so fast that more would be needed die out at once.
const MOST_SCANS: f64 = 512.0;

/// Delivers the exact solution of a linear problem.
///
/// Events are sampled between rows, eight times at least and [`SAMPLES_PER_PERIOD`] times per period
/// of the fastest rate (up to 4096 times per row), and located on the exact solution. Tolerances have
/// no meaning and are not looked at.
pub(crate) fn solve(
    problem: &Problem<'_>,
    observer: &mut dyn Observer,
) -> Result<Outcome, IntegrateError> {
    let (t_start, t_end) = problem.t_span;
    if !t_end.is_finite() {
        return Err(InvalidRun::Time { end: "t_end", value: t_end }.into());
    }
    if problem.save_at == SaveAt::Steps {
        return Err(InvalidRun::Exact(ExactError::NoSteps).into());
    }
    if problem.steady_state.is_some() {
        return Err(InvalidRun::Exact(ExactError::NoSteadyStateStop).into());
    }
    let solution = ExactSolution::new(problem.dynamics, t_start, &problem.y0)?;
    let grid = SaveGrid::new(&problem.save_at, t_start, t_end).map_err(InvalidRun::from)?;
    let factorisations = solution.factorisations() as u64;
    let drive = Drive {
        problem,
        observer,
        cursor: solution.cursor(),
        scan: EventScan::new(&problem.events, t_start, &problem.y0),
        grid,
        t: t_start,
        y: problem.y0.clone(),
        last_row: None,
        hits: Vec::new(),
        statistics: Statistics {
            n_rhs: 1,
            n_jac: factorisations,
            n_factor: factorisations,
            ..Statistics::default()
        },
        solution,
    };
    drive.run()
}

struct Drive<'p, 'a, 'o> {
    problem: &'p Problem<'a>,
    observer: &'o mut dyn Observer,
    solution: ExactSolution<'p>,
    cursor: Cursor,
    scan: EventScan<'a, 'p>,
    grid: SaveGrid,
    /// Time and state reached.
    t: f64,
    y: Vec<f64>,
    last_row: Option<f64>,
    hits: Vec<EventHit>,
    statistics: Statistics,
}

impl Drive<'_, '_, '_> {
    fn run(mut self) -> Result<Outcome, IntegrateError> {
        let dim = self.y.len();
        if self.grid.peek() == Some(self.t) {
            self.grid.advance();
            self.last_row = Some(self.t);
            if self.observer.on_row(self.t, &self.y).is_break() {
                return Ok(self.outcome(Status::Stopped));
            }
        }
        let mut rows = vec![0.0; dim * self.solution.rows_at_once()];
        loop {
            let times = self.next_times();
            if times.is_empty() {
                return Ok(self.end(Status::Complete));
            }
            let rows = &mut rows[..dim * times.len()];
            if self.solution.rows(&mut self.cursor, &times, rows).is_err() {
                // A flow beyond the range of numbers: the rows tell where.
                self.rows_one_by_one(&times, rows);
            }
            for (t, row) in times.into_iter().zip(rows.chunks_exact(dim)) {
                if self.problem.is_interrupted() {
                    return Ok(self.end(Status::Interrupted));
                }
                if let Some(i) = row.iter().position(|y| !y.is_finite()) {
                    let component = self.problem.dynamics.component_name(i);
                    let reason = FailureReason::NonFinite { t: self.t, h: t - self.t, component };
                    let outcome = Box::new(self.end(Status::Failed));
                    return Err(IntegrateError::Failed { reason, outcome });
                }
                if let Some(status) = self.stretch(t, row) {
                    return Ok(self.end(status));
                }
            }
        }
    }

    /// The next save times, and the end of the span after the last of them.
    fn next_times(&mut self) -> Vec<f64> {
        let last = self.problem.t_span.1;
        let mut times = Vec::with_capacity(self.solution.rows_at_once());
        while times.len() < self.solution.rows_at_once() {
            let Some(t) = self.grid.peek() else { break };
            self.grid.advance();
            times.push(t);
        }
        if times.is_empty() && self.t != last {
            times.push(last);
        }
        times
    }

    fn rows_one_by_one(&mut self, times: &[f64], rows: &mut [f64]) {
        let dim = self.y.len();
        for (t, row) in times.iter().zip(rows.chunks_exact_mut(dim)) {
            if self.solution.state(*t, row).is_err() {
                row.fill(f64::INFINITY);
            }
        }
    }

    /// Delivers what happens up to the state `row` at `t`; says whether it ends the run.
    fn stretch(&mut self, t: f64, row: &[f64]) -> Option<Status> {
        if let Some(status) = self.events(t) {
            return Some(status);
        }
        let t0 = std::mem::replace(&mut self.t, t);
        self.y.copy_from_slice(row);
        // After listed save times the end of the span is reached without a row.
        let is_row = t != self.problem.t_span.1 || self.ends_in_a_row();
        if is_row {
            self.last_row = Some(t);
            if self.observer.on_row(t, row).is_break() {
                return Some(Status::Stopped);
            }
        }
        let solution = &self.solution;
        let evaluate = &mut |t: f64, y: &mut [f64]| evaluate(solution, t, y);
        let mut stretch = Stretch { t0, t1: t, y1: row, evaluate };
        self.observer.on_stretch(&mut stretch).is_break().then_some(Status::Stopped)
    }

    fn ends_in_a_row(&self) -> bool {
        match &self.problem.save_at {
            SaveAt::Times(times) => times.last() == Some(&self.problem.t_span.1),
            _ => true,
        }
    }

    /// Finds the events up to `t`; on one that ends the run moves there.
    fn events(&mut self, t: f64) -> Option<Status> {
        if self.scan.is_empty() {
            return None;
        }
        let (t0, length) = (self.t, t - self.t);
        let periods = length.abs() * self.solution.largest_rate() / std::f64::consts::TAU;
        let scans = (periods * SAMPLES_PER_PERIOD / SAMPLES_PER_SCAN).ceil().clamp(1.0, MOST_SCANS);
        let mut state = vec![0.0; self.y.len()];
        for k in 0..scans as u32 {
            let at = |k: u32| {
                if f64::from(k) == scans { t } else { t0 + length * f64::from(k) / scans }
            };
            let solution = &self.solution;
            self.scan.scan_between(at(k), at(k + 1), &mut |t, y| evaluate(solution, t, y));
            for index in 0..self.scan.hits().len() {
                let hit = self.scan.hits()[index];
                evaluate(&self.solution, hit.t, &mut state);
                self.hits.push(hit);
                let stopped = self.observer.on_event(hit, &state).is_break();
                if stopped || self.scan.terminal() == Some(hit) {
                    self.t = hit.t;
                    self.y.copy_from_slice(&state);
                    return Some(if stopped { Status::Stopped } else { Status::Event(hit.event) });
                }
            }
        }
        None
    }

    /// The outcome, after the row at which the run ends.
    fn end(&mut self, status: Status) -> Outcome {
        if self.grid.saves_the_end() && self.last_row != Some(self.t) {
            // The run is over: there is nothing left to stop.
            let _: Flow = self.observer.on_row(self.t, &self.y);
        }
        self.outcome(status)
    }

    fn outcome(&mut self, status: Status) -> Outcome {
        Outcome {
            status,
            t: self.t,
            y: std::mem::take(&mut self.y),
            statistics: self.statistics,
            warnings: Vec::new(),
            events: std::mem::take(&mut self.hits),
            equilibrium: None,
        }
    }
}

/// The state at `t`, infinite where it leaves the range of numbers.
fn evaluate(solution: &ExactSolution<'_>, t: f64, y: &mut [f64]) {
    if solution.state(t, y).is_err() {
        y.fill(f64::INFINITY);
    }
}
