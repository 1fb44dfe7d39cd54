//! `dopri5` and `dop853` of the crate `ode_solvers`.
//!
//! Faults found in version 0.6.2 and how they are kept out: dense output extrapolates its last row and
//! mishandles negative times, so only sparse output is used, with one solver per interval between
//! rows; intervals start at local time 0 and run forward; its stiffness test ends runs that rest, so
//! it is switched off; a span of length zero is an error, so it is never asked for one; every step is
//! stored, so the solver is renewed after some hundreds; statistics are lost on errors, so
//! evaluations and steps are counted here.

use std::cell::{Cell, RefCell};

use ode_solvers::dop_shared::{IntegrationError, Stats};
use ode_solvers::{DVector, Dop853, Dopri5, OutputType, System};

use super::{Adapter, Halt, OnStep, Setting};
use crate::dynamics::VectorField;
use crate::integrate::errors::{FailureReason, InvalidRun};
use crate::integrate::outcome::Statistics;
use crate::integrate::tolerance::Atol;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pair {
    Dopri5,
    Dop853,
}

/// Accepted steps after which the solver, which stores them all, is replaced.
const STEPS_PER_SOLVER: u64 = 256;

/// Controller parameters `(safety, beta, shrink, grow)` of the crate's own defaults, which are those
/// of Hairer, Norsett & Wanner's codes.
const DOPRI5_CONTROL: (f64, f64, f64, f64) = (0.9, 0.04, 0.2, 10.0);
const DOP853_CONTROL: (f64, f64, f64, f64) = (0.9, 0.0, 0.333, 6.0);

/// A run as a sequence of short solver runs.
pub(super) struct Segments<'p> {
    setting: Setting<'p>,
    pair: Pair,
    atol: f64,
    t: f64,
    y: Vec<f64>,
    /// Size of the next step, 0 for the crate's own guess.
    h: f64,
    statistics: Statistics,
}

impl<'p> Segments<'p> {
    pub(super) fn new(setting: Setting<'p>, pair: Pair, y0: &[f64]) -> Result<Self, InvalidRun> {
        let atol = match &setting.tolerances.atol {
            Atol::Uniform(atol) => *atol,
            Atol::PerComponent(atols) if atols.windows(2).all(|w| w[0] == w[1]) => atols[0],
            Atol::PerComponent(_) => {
                return Err(InvalidRun::Unsupported {
                    solver: setting.name,
                    what: "absolute tolerances that differ between components",
                    remedy: "give one atol for all",
                });
            }
        };
        let h = setting.initial_step.unwrap_or(0.0);
        let t = setting.t_span.0;
        Ok(Self { setting, pair, atol, t, y: y0.to_vec(), h, statistics: Statistics::default() })
    }

    /// One solver from the present time over `length`; says how far it came and whether the caller
    /// wished to stop.
    fn segment(&mut self, length: f64, on_step: OnStep<'_>) -> Result<Segment, Halt> {
        let shared = Shared {
            steps: Cell::new(0),
            evaluations: Cell::new(0),
            stopped: Cell::new(false),
            not_finite: Cell::new(None),
            on_step: RefCell::new(on_step),
            length,
            goal: self.t + self.setting.direction * length,
        };
        let system = Adapted {
            field: self.setting.field,
            t: self.t,
            direction: self.setting.direction,
            shared: &shared,
        };
        let budget = self.setting.max_steps.saturating_sub(self.statistics.attempts());
        let n_max = u32::try_from(budget).unwrap_or(u32::MAX).min(u32::MAX - 1);
        let rtol = self.setting.tolerances.rtol;
        let h_max = self.setting.max_step.unwrap_or(length);
        let h = self.h.min(length);
        let y = DVector::from_column_slice(&self.y);
        macro_rules! integrate {
            ($solver:ident, $control:expr) => {{
                let (safety, beta, shrink, grow) = $control;
                let mut solver = $solver::from_param(
                    system,
                    0.0,
                    length,
                    0.0,
                    y,
                    rtol,
                    self.atol,
                    safety,
                    beta,
                    shrink,
                    grow,
                    h_max,
                    h,
                    n_max,
                    0,
                    OutputType::Sparse,
                );
                let result = solver.integrate();
                self.account(&shared, result.as_ref().ok(), solver.x_out(), solver.y_out());
                result
            }};
        }
        let result = match self.pair {
            Pair::Dopri5 => integrate!(Dopri5, DOPRI5_CONTROL),
            Pair::Dop853 => integrate!(Dop853, DOP853_CONTROL),
        };
        if let Some(index) = shared.not_finite.get() {
            let component = self.setting.field.component_name(index);
            return Err(self.fail(FailureReason::NonFinite { t: self.t, h: self.h, component }));
        }
        match result {
            Ok(_) => Ok(Segment { stopped: shared.stopped.get(), steps: shared.steps.get() }),
            Err(error) => Err(self.fail(self.reason(error))),
        }
    }

    /// Moves to the last accepted step and counts the work.
    fn account(
        &mut self,
        shared: &Shared<'_>,
        stats: Option<&Stats>,
        times: &[f64],
        states: &[DVector<f64>],
    ) {
        for pair in times.windows(2) {
            self.statistics.accept(pair[1] - pair[0]);
        }
        self.statistics.n_rhs += shared.evaluations.get();
        self.statistics.n_rejected += stats.map_or(0, |s| u64::from(s.rejected_steps));
        // The last step may be cut to fit; the one before it was not.
        let sizes = times.windows(2).rev().take(2).map(|pair| pair[1] - pair[0]);
        let size = sizes.fold(0.0, f64::max);
        if size > 0.0 {
            self.h = size;
        }
        let finite = |y: &DVector<f64>| y.iter().all(|y| y.is_finite());
        let reached = times.iter().zip(states).rev().find(|(_, y)| finite(y));
        if let Some((time, state)) = reached.filter(|(time, _)| **time > 0.0) {
            self.t = shared.outer_time(self.t, self.setting.direction, *time);
            self.y.copy_from_slice(state.as_slice());
        }
    }

    fn fail(&self, reason: FailureReason) -> Halt {
        Halt::Failed(reason)
    }

    fn reason(&self, error: IntegrationError) -> FailureReason {
        let (t, t_end) = (self.t, self.setting.t_span.1);
        match error {
            IntegrationError::MaxNumStepReached { .. } => {
                let max_steps = self.setting.max_steps;
                FailureReason::MaxSteps { max_steps, t, t_end, h: self.h }
            }
            IntegrationError::StepSizeUnderflow { .. } => FailureReason::Foreign {
                solver: self.setting.name,
                t,
                message: "its step size fell below the resolution of time: the solution may blow up or be undefined here, or the tolerances are too tight".to_owned(),
            },
            IntegrationError::StiffnessDetected { .. } => FailureReason::Foreign {
                solver: self.setting.name,
                t,
                message: "it found the problem stiff".to_owned(),
            },
        }
    }
}

/// How one solver run ended.
struct Segment {
    stopped: bool,
    steps: u64,
}

impl Adapter for Segments<'_> {
    fn advance(&mut self, t: f64, y: &mut [f64], on_step: OnStep<'_>) -> Result<(), Halt> {
        let mut result = Ok(());
        while self.t != t {
            if self.statistics.attempts() >= self.setting.max_steps {
                let (max_steps, t_end) = (self.setting.max_steps, self.setting.t_span.1);
                let reason = FailureReason::MaxSteps { max_steps, t: self.t, t_end, h: self.h };
                result = Err(Halt::Failed(reason));
                break;
            }
            match self.segment((t - self.t).abs(), on_step) {
                Ok(Segment { stopped: false, steps }) if steps < STEPS_PER_SOLVER => {
                    // Local time differs from `t` by rounding at most.
                    self.t = t;
                }
                Ok(Segment { stopped: false, .. }) => {}
                Ok(Segment { stopped: true, .. }) => {
                    result = Err(Halt::Stopped);
                    break;
                }
                Err(halt) => {
                    result = Err(halt);
                    break;
                }
            }
        }
        y.copy_from_slice(&self.y);
        result
    }

    fn time(&self) -> f64 {
        self.t
    }

    fn statistics(&self) -> Statistics {
        let mut statistics = self.statistics;
        statistics.h_last *= self.setting.direction;
        statistics
    }
}

/// What the solver's copy of the system and this side both see.
struct Shared<'s> {
    steps: Cell<u64>,
    evaluations: Cell<u64>,
    stopped: Cell<bool>,
    not_finite: Cell<Option<usize>>,
    on_step: RefCell<OnStep<'s>>,
    length: f64,
    goal: f64,
}

impl Shared<'_> {
    /// The time outside for a local time; the goal to the last bit.
    fn outer_time(&self, start: f64, direction: f64, local: f64) -> f64 {
        let rounding = 4.0 * f64::EPSILON * self.length;
        if (local - self.length).abs() <= rounding { self.goal } else { start + direction * local }
    }
}

/// `dy/ds = direction f(t + direction s, y)`.
struct Adapted<'s> {
    field: &'s dyn VectorField,
    t: f64,
    direction: f64,
    shared: &'s Shared<'s>,
}

impl System<f64, DVector<f64>> for Adapted<'_> {
    fn system(&self, s: f64, y: &DVector<f64>, dy: &mut DVector<f64>) {
        self.shared.evaluations.set(self.shared.evaluations.get() + 1);
        self.field.eval(self.t + self.direction * s, y.as_slice(), dy.as_mut_slice());
        if self.direction < 0.0 {
            dy.neg_mut();
        }
    }

    /// Called after every accepted step; ends this solver's run by returning true.
    fn solout(&mut self, s: f64, y: &DVector<f64>, _dy: &DVector<f64>) -> bool {
        let shared = self.shared;
        shared.steps.set(shared.steps.get() + 1);
        if let Some(index) = y.iter().position(|y| !y.is_finite()) {
            shared.not_finite.set(Some(index));
            return true;
        }
        let t = shared.outer_time(self.t, self.direction, s);
        if (shared.on_step.borrow_mut())(t, y.as_slice()).is_break() {
            shared.stopped.set(true);
            return true;
        }
        shared.steps.get() == STEPS_PER_SOLVER
    }
}
