//! Runs: from a start to rows, events and an outcome.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use super::errors::{FailureReason, IntegrateError};
use super::events::{Event, EventScan};
use super::method::Method;
use super::observer::{Flow, Observer, Trajectory};
use super::options::Options;
use super::outcome::{EventHit, Outcome, Status, Warning};
use super::save_at::{SaveAt, SaveGrid};
use super::steady_state::{Equilibrium, SteadyState, SteadyWatch};
use super::step::Step;
use super::stepper::Integrator;
use crate::dynamics::VectorField;

/// One initial-value problem with everything that shapes its run.
///
/// ```
/// # use dynamic_inversion::dynamics::VectorField;
/// # use dynamic_inversion::integrate::{DOPRI5, Run, SaveAt};
/// # use nalgebra::DMatrix;
/// # struct Decay;
/// # impl VectorField for Decay {
/// #     fn dim(&self) -> usize { 1 }
/// #     fn eval(&self, _t: f64, y: &[f64], dy: &mut [f64]) { dy[0] = -y[0]; }
/// #     fn jacobian(&self, _t: f64, _y: &[f64], jac: &mut DMatrix<f64>) { jac[(0, 0)] = -1.0; }
/// # }
/// let run = Run::new(&Decay, &DOPRI5, (0.0, 10.0), &[1.0]).save_at(SaveAt::Every(2.5));
/// let (trajectory, outcome) = run.trajectory().unwrap();
/// assert_eq!(trajectory.times, [0.0, 2.5, 5.0, 7.5, 10.0]);
/// assert!((outcome.y[0] - (-10.0f64).exp()).abs() < 1e-9);
/// ```
pub struct Run<'a> {
    field: &'a dyn VectorField,
    method: &'static Method,
    t_span: (f64, f64),
    y0: Vec<f64>,
    options: Options,
    save_at: SaveAt,
    steady_state: Option<SteadyState>,
    events: Vec<Event<'a>>,
    interrupt: Option<&'a AtomicBool>,
}

impl<'a> Run<'a> {
    /// A run with default options that reports its end.
    #[must_use]
    pub fn new(
        field: &'a dyn VectorField,
        method: &'static Method,
        t_span: (f64, f64),
        y0: &[f64],
    ) -> Self {
        Self {
            field,
            method,
            t_span,
            y0: y0.to_vec(),
            options: Options::default(),
            save_at: SaveAt::End,
            steady_state: None,
            events: Vec::new(),
            interrupt: None,
        }
    }

    /// With these options.
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// With rows at these times.
    #[must_use]
    pub fn save_at(mut self, save_at: SaveAt) -> Self {
        self.save_at = save_at;
        self
    }

    /// Stopping at a steady state.
    #[must_use]
    pub fn stop_at_steady_state(mut self, steady_state: SteadyState) -> Self {
        self.steady_state = Some(steady_state);
        self
    }

    /// Watching for this event too.
    #[must_use]
    pub fn event(mut self, event: Event<'a>) -> Self {
        self.events.push(event);
        self
    }

    /// Stopping after the current step when this flag is raised.
    #[must_use]
    pub fn interrupt(mut self, flag: &'a AtomicBool) -> Self {
        self.interrupt = Some(flag);
        self
    }

    /// Integrates, keeping all rows in memory.
    ///
    /// # Errors
    /// As [`integrate`](Self::integrate).
    pub fn trajectory(&self) -> Result<(Trajectory, Outcome), IntegrateError> {
        let mut trajectory = Trajectory::default();
        let outcome = self.integrate(&mut trajectory)?;
        Ok((trajectory, outcome))
    }

    /// Integrates, passing rows, steps and events to `observer` as they happen.
    ///
    /// # Errors
    /// [`IntegrateError::Invalid`] before anything happened; [`IntegrateError::Failed`] with the
    /// partial outcome when the end cannot be reached, after the rows up to there were delivered.
    pub fn integrate(&self, observer: &mut dyn Observer) -> Result<Outcome, IntegrateError> {
        let grid = SaveGrid::new(&self.save_at, self.t_span.0, self.t_span.1);
        let integrator =
            Integrator::new(self.field, self.method, &self.options, self.t_span, &self.y0)?;
        let grid = grid.map_err(super::errors::InvalidRun::from)?;
        let watch = self
            .steady_state
            .as_ref()
            .map(|s| SteadyWatch::new(s, self.field, self.t_span.0, &self.y0));
        let mut driver = Driver {
            run: self,
            observer,
            grid,
            scan: EventScan::new(&self.events, self.t_span.0, &self.y0),
            watch,
            row: self.y0.to_vec(),
            last_row: None,
            hits: Vec::new(),
            warnings: integrator.warnings().to_vec(),
            equilibrium: None,
        };
        driver.drive(integrator)
    }

    /// The vector field.
    #[must_use]
    pub fn field(&self) -> &'a dyn VectorField {
        self.field
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &'static Method {
        self.method
    }

    /// Start and end of the run.
    #[must_use]
    pub fn t_span(&self) -> (f64, f64) {
        self.t_span
    }

    /// State at the start.
    #[must_use]
    pub fn initial_state(&self) -> &[f64] {
        &self.y0
    }

    /// The options set with [`options`](Self::options).
    #[must_use]
    pub fn chosen_options(&self) -> &Options {
        &self.options
    }

    fn is_interrupted(&self) -> bool {
        self.interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed))
    }
}

/// What stops a run, and the time and state at which it does.
struct Stop {
    status: Status,
    t: f64,
}

struct Driver<'r, 'a> {
    run: &'r Run<'a>,
    observer: &'r mut dyn Observer,
    grid: SaveGrid,
    scan: EventScan<'a, 'r>,
    watch: Option<SteadyWatch>,
    row: Vec<f64>,
    last_row: Option<f64>,
    hits: Vec<EventHit>,
    warnings: Vec<Warning>,
    equilibrium: Option<Equilibrium>,
}

impl Driver<'_, '_> {
    fn drive(&mut self, mut integrator: Integrator<'_>) -> Result<Outcome, IntegrateError> {
        if self.rows_at_start(&integrator).is_break() {
            return Ok(self.outcome(&integrator, Status::Stopped, integrator.time()));
        }
        loop {
            if self.run.is_interrupted() {
                return Ok(self.finish(&integrator, Status::Interrupted));
            }
            let mut step = match integrator.step() {
                Ok(Some(step)) => step,
                Ok(None) => return Ok(self.finish(&integrator, Status::Complete)),
                Err(reason) => return Err(self.fail(&integrator, reason)),
            };
            if let Some(stop) = self.process(&mut step) {
                if stop.t == step.t1() {
                    self.row.copy_from_slice(step.y1());
                } else {
                    step.interpolate(stop.t, &mut self.row);
                }
                self.end_row(stop.t);
                return Ok(self.outcome(&integrator, stop.status, stop.t));
            }
        }
    }

    /// Rows due at the start of the run.
    fn rows_at_start(&mut self, integrator: &Integrator<'_>) -> Flow {
        while self.grid.peek() == Some(integrator.time()) {
            self.grid.advance();
            self.last_row = Some(integrator.time());
            self.observer.on_row(integrator.time(), integrator.state())?;
        }
        Flow::Continue(())
    }

    /// Delivers what happened in a step; says whether and where the run stops.
    fn process(&mut self, step: &mut Step<'_, '_>) -> Option<Stop> {
        self.scan.scan(step);
        let terminal = self.scan.terminal();
        let limit = terminal.map_or(step.t1(), |hit| hit.t);
        let stopped = |t| Some(Stop { status: Status::Stopped, t });
        if let ControlFlow::Break(t) = self.rows_of(step, limit) {
            return stopped(t);
        }
        for index in 0..self.scan.hits().len() {
            let hit = self.scan.hits()[index];
            step.interpolate(hit.t, &mut self.row);
            self.hits.push(hit);
            if self.observer.on_event(hit, &self.row).is_break() {
                return stopped(hit.t);
            }
        }
        if let Some(hit) = terminal {
            return Some(Stop { status: Status::Event(hit.event), t: hit.t });
        }
        if self.grid.saves_steps() {
            self.last_row = Some(step.t1());
            if self.observer.on_row(step.t1(), step.y1()).is_break() {
                return stopped(step.t1());
            }
        }
        if self.observer.on_step(step).is_break() {
            return stopped(step.t1());
        }
        let settled = self.settled(step);
        settled.then(|| Stop { status: Status::SteadyState, t: step.t1() })
    }

    /// Delivers the save times of a step up to `limit`; breaks at the one that stopped the run.
    fn rows_of(&mut self, step: &mut Step<'_, '_>, limit: f64) -> ControlFlow<f64> {
        let direction = step.h().signum();
        while let Some(t) = self.grid.peek().filter(|t| (t - limit) * direction <= 0.0) {
            self.grid.advance();
            self.last_row = Some(t);
            step.interpolate(t, &mut self.row);
            if self.observer.on_row(t, &self.row).is_break() {
                return ControlFlow::Break(t);
            }
        }
        ControlFlow::Continue(())
    }

    fn settled(&mut self, step: &mut Step<'_, '_>) -> bool {
        let Some(watch) = &mut self.watch else { return false };
        match step.steady_state(watch) {
            None => false,
            Some(Ok(equilibrium)) => {
                self.equilibrium = Some(equilibrium);
                true
            }
            Some(Err(reason)) => {
                let same_kind = |w: &Warning| {
                    matches!(w, Warning::SteadyStateRefused { reason: r, .. }
                        if std::mem::discriminant(r) == std::mem::discriminant(&reason))
                };
                if !self.warnings.iter().any(same_kind) {
                    self.warnings.push(Warning::SteadyStateRefused { t: step.t1(), reason });
                }
                false
            }
        }
    }

    /// Delivers `self.row` as the row at which the run ended, unless it was already.
    fn end_row(&mut self, t: f64) {
        if self.grid.saves_the_end() && self.last_row != Some(t) {
            self.last_row = Some(t);
            // The run is over: there is nothing left to stop.
            let _ = self.observer.on_row(t, &self.row);
        }
    }

    fn finish(&mut self, integrator: &Integrator<'_>, status: Status) -> Outcome {
        self.row.copy_from_slice(integrator.state());
        self.end_row(integrator.time());
        self.outcome(integrator, status, integrator.time())
    }

    fn fail(&mut self, integrator: &Integrator<'_>, reason: FailureReason) -> IntegrateError {
        let status = match reason {
            FailureReason::MaxSteps { .. } => Status::MaxSteps,
            _ => Status::Failed,
        };
        let outcome = Box::new(self.finish(integrator, status));
        IntegrateError::Failed { reason, outcome }
    }

    fn outcome(&mut self, integrator: &Integrator<'_>, status: Status, t: f64) -> Outcome {
        Outcome {
            status,
            t,
            y: self.row.clone(),
            statistics: integrator.statistics(),
            warnings: std::mem::take(&mut self.warnings),
            events: std::mem::take(&mut self.hits),
            equilibrium: self.equilibrium.take(),
        }
    }
}
