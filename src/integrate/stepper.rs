//! The stepping loop, one accepted step at a time.

use super::errors::{FailureReason, InvalidRun};
use super::initial_step::initial_step;
use super::method::Method;
use super::norm::ErrorNorm;
use super::options::Options;
use super::outcome::{Statistics, Warning};
use super::scheme::{Env, Interval, Scheme, Trial};
use super::setup::{check_start, scheme};
use super::step::Step;
use super::step_control::StepControl;
use super::stiffness::StiffnessWatch;
use crate::dynamics::VectorField;

/// Trials of one step that may fail for reasons other than the error test.
const MAX_FAILED_TRIALS: u32 = 100;

/// How far the error of a step across a kink may exceed its estimate: up to 35 times were measured
/// on a loop of rectifiers with the fifth-order methods.
const KINK_FACTOR: f64 = 32.0;
/// Times that one step is shortened to end on a kink; the second already lands within rounding.
const KINK_TRIALS: u32 = 8;

/// Integrates step by step.
///
/// All storage is allocated when the integrator is made: stepping allocates nothing.
///
/// ```
/// # use dynamic_inversion::dynamics::VectorField;
/// # use dynamic_inversion::integrate::{DOP853, Integrator, Options};
/// # use nalgebra::DMatrix;
/// struct Decay;
/// impl VectorField for Decay {
///     fn dim(&self) -> usize { 1 }
///     fn eval(&self, _t: f64, y: &[f64], dy: &mut [f64]) { dy[0] = -y[0]; }
///     fn jacobian(&self, _t: f64, _y: &[f64], jac: &mut DMatrix<f64>) { jac[(0, 0)] = -1.0; }
/// }
/// let mut integrator =
///     Integrator::new(&Decay, &DOP853, &Options::default(), (0.0, 1.0), &[1.0]).unwrap();
/// let mut half = [0.0];
/// while let Some(mut step) = integrator.step().unwrap() {
///     if step.t0() <= 0.5 && 0.5 < step.t1() {
///         step.interpolate(0.5, &mut half);
///     }
/// }
/// assert!((half[0] - (-0.5f64).exp()).abs() < 1e-8);
/// assert!((integrator.state()[0] - (-1.0f64).exp()).abs() < 1e-8);
/// ```
pub struct Integrator<'a> {
    pub(super) env: Env<'a>,
    pub(super) scheme: Box<dyn Scheme + 'a>,
    method: &'static Method,
    options: Options,
    control: StepControl,
    watch: StiffnessWatch,
    warnings: Vec<Warning>,
    t_start: f64,
    t_end: f64,
    /// Start of the last accepted step.
    pub(super) t0: f64,
    /// Time reached.
    pub(super) t: f64,
    /// Size the method used for the last accepted step.
    pub(super) h: f64,
    /// Proposal for the next step.
    h_next: f64,
    pub(super) error: f64,
    /// State at `t0` after a step, at `t` once the next one is being tried.
    pub(super) y0: Vec<f64>,
    /// State at `t` after a step, scratch while one is being tried.
    pub(super) y1: Vec<f64>,
    stepped: bool,
}

impl<'a> Integrator<'a> {
    /// Prepares a run of `method` over `t_span` from `y0`.
    ///
    /// Evaluates the vector field at the start and, for methods with error control, once more to
    /// choose the first step.
    ///
    /// # Errors
    /// [`InvalidRun`] for anything that makes no sense before the first step: non-finite start,
    /// span or derivative, wrong lengths, unusable tolerances or steps.
    pub fn new(
        field: &'a dyn VectorField,
        method: &'static Method,
        options: &Options,
        t_span: (f64, f64),
        y0: &[f64],
    ) -> Result<Self, InvalidRun> {
        check_start(field, t_span, y0)?;
        options.validate(method)?;
        let (tolerances, warnings) = if method.is_fixed_step() {
            (options.tolerances.clone(), Vec::new())
        } else {
            options.tolerances.validate(field, y0)?
        };
        options.check_noise(method, t_span)?;
        let norm = ErrorNorm::new(field, &tolerances);
        let env = Env { field, norm, statistics: Statistics::default() };
        let (t_start, t_end) = t_span;
        let mut integrator = Self {
            env,
            scheme: scheme(method, field, options, t_end),
            method,
            options: options.clone(),
            control: StepControl::new(),
            watch: StiffnessWatch::default(),
            warnings,
            t_start,
            t_end,
            t0: t_start,
            t: t_start,
            h: 0.0,
            h_next: 0.0,
            error: 0.0,
            y0: y0.to_vec(),
            y1: y0.to_vec(),
            stepped: false,
        };
        integrator.begin()?;
        Ok(integrator)
    }

    /// Evaluates the start and chooses the first step.
    fn begin(&mut self) -> Result<(), InvalidRun> {
        let span = self.t_end - self.t_start;
        let mut f0 = vec![0.0; self.y0.len()];
        self.env.eval(self.t_start, &self.y0, &mut f0);
        if let Some(i) = f0.iter().position(|f| !f.is_finite()) {
            return Err(InvalidRun::InitialDerivative {
                component: self.env.field.component_name(i),
                value: f0[i],
                t: self.t_start,
            });
        }
        self.scheme.begin(&f0);
        self.h_next = match (self.scheme.law(), self.options.initial_step) {
            (None, _) => self.options.step.unwrap_or(span).copysign(span),
            (_, Some(h)) => h.min(span.abs()).copysign(span),
            (Some(_), None) if span == 0.0 => 0.0,
            (Some(law), None) => {
                initial_step(&mut self.env, self.t_start, &self.y0, &f0, span, law.exponent)
            }
        };
        Ok(())
    }

    /// Time reached.
    #[must_use]
    pub fn time(&self) -> f64 {
        self.t
    }

    /// State at [`time`](Self::time).
    #[must_use]
    pub fn state(&self) -> &[f64] {
        if self.stepped { &self.y1 } else { &self.y0 }
    }

    /// Whether the end of the span has been reached.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.t == self.t_end
    }

    /// Whether `t` lies at or before the time reached, in the direction of integration.
    #[must_use]
    pub fn has_reached(&self, t: f64) -> bool {
        (t - self.t) * (self.t_end - self.t_start).signum() <= 0.0
    }

    /// The last accepted step again; `None` before the first.
    pub fn last_step(&mut self) -> Option<Step<'_, 'a>> {
        if self.stepped { Some(Step { integrator: self }) } else { None }
    }

    /// Work done so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.env.statistics
    }

    /// Warnings about the run.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Advances by one accepted step; `None` when the end of the span has been reached.
    ///
    /// The last step ends at `t_end` exactly.
    ///
    /// # Errors
    /// [`FailureReason`] when no acceptable step can be found or the budget is spent. The
    /// integrator keeps the last accepted state.
    pub fn step(&mut self) -> Result<Option<Step<'_, 'a>>, FailureReason> {
        if self.is_finished() {
            return Ok(None);
        }
        if self.stepped {
            std::mem::swap(&mut self.y0, &mut self.y1);
            self.scheme.advance();
            self.stepped = false;
        }
        self.check_stiffness()?;
        let (mut failures, mut kinks, mut full_size) = (0, 0, 0.0_f64);
        loop {
            if self.env.statistics.attempts() >= self.options.max_steps {
                return Err(self.out_of_steps());
            }
            let (t1, h) = self.next_end();
            if self.scheme.law().is_some() && h.abs() < self.smallest_step() {
                return Err(self.too_small(h));
            }
            let interval = Interval { t0: self.t, t1, h, y0: &self.y0 };
            match self.scheme.trial(&mut self.env, interval, &mut self.y1) {
                Trial::Done(error) if kinks < KINK_TRIALS && self.stops_at_kink(h, error) => {
                    kinks += 1;
                    full_size = full_size.max(h.abs());
                }
                Trial::Done(error) if error <= 1.0 => {
                    self.accept(t1, h, error);
                    self.h_next = self.h_next.abs().max(full_size).copysign(h);
                    return Ok(Some(Step { integrator: self }));
                }
                Trial::Done(error) if error.is_finite() => self.reject(h, error),
                Trial::Done(_) => {
                    failures += 1;
                    self.env.statistics.n_rejected += 1;
                    self.control.failed();
                    self.h_next = 0.5 * h;
                    if self.scheme.law().is_none() || failures >= MAX_FAILED_TRIALS {
                        return Err(self.not_finite(h));
                    }
                }
                Trial::Unsolved(factor) => {
                    failures += 1;
                    self.env.statistics.n_rejected += 1;
                    self.control.failed();
                    self.h_next = factor * h;
                    if failures >= MAX_FAILED_TRIALS {
                        return Err(self.unsolved(h));
                    }
                }
            }
        }
    }

    /// Whether a trial of size `h` went across a kink that matters; then the next one ends on it.
    fn stops_at_kink(&mut self, h: f64, error: f64) -> bool {
        if self.scheme.law().is_none() || !(KINK_FACTOR.recip()..KINK_FACTOR).contains(&error) {
            return false;
        }
        let Some(fraction) = self.env.field.first_kink(&self.y0, &self.y1) else { return false };
        if fraction * h.abs() < self.smallest_step() {
            return false;
        }
        self.env.statistics.n_rejected += 1;
        self.h_next = fraction * h;
        true
    }

    fn accept(&mut self, t1: f64, h: f64, error: f64) {
        self.env.statistics.accept(h);
        (self.t0, self.t, self.h, self.error) = (self.t, t1, h, error);
        self.stepped = true;
        let Some(law) = self.scheme.law() else { return };
        let proposal = h * self.control.accepted(&law, error);
        let interval = Interval { t0: self.t0, t1, h, y0: &self.y0 };
        self.h_next = self.scheme.propose(&mut self.env, interval, &self.y1, proposal);
        self.watch.note(self.t0, self.scheme.stability_use());
    }

    /// An explicit run whose remaining steps cannot fit the budget.
    fn check_stiffness(&self) -> Result<(), FailureReason> {
        if !self.watch.is_bounded() {
            return Ok(());
        }
        let steps_needed = self.watch.steps_needed(self.t, self.t_end);
        let max_steps = self.options.max_steps;
        let left = max_steps.saturating_sub(self.env.statistics.attempts());
        if steps_needed <= left as f64 {
            return Ok(());
        }
        Err(FailureReason::Stiff {
            t: self.t,
            t_end: self.t_end,
            h: self.h,
            steps_needed,
            max_steps,
        })
    }

    fn reject(&mut self, h: f64, error: f64) {
        self.env.statistics.n_rejected += 1;
        let law = self.scheme.law().expect("only methods with error control return errors > 1");
        self.h_next = h * self.control.rejected(&law, error);
    }

    /// Where the next step ends and how long it is.
    fn next_end(&self) -> (f64, f64) {
        let direction = (self.t_end - self.t_start).signum();
        let left = self.t_end - self.t;
        if self.scheme.law().is_none() {
            // Steps end at t_start + k h, so rounding does not accumulate.
            let h = self.h_next;
            let t1 = self.t_start + (self.env.statistics.n_steps + 1) as f64 * h;
            let past_end = (self.t_end - t1) * direction <= 1e-9 * h.abs();
            let whole = (self.t_end - t1).abs() <= 1e-9 * h.abs();
            return match (past_end, whole) {
                (true, true) => (self.t_end, h),
                (true, false) => (self.t_end, left),
                _ => (t1, h),
            };
        }
        let size = self.h_next.abs().min(self.options.max_step.unwrap_or(f64::INFINITY));
        // Stretch by up to 1 % rather than leave a sliver for a step of its own.
        if left.abs() <= 1.01 * size {
            (self.t_end, left)
        } else {
            let h = size * direction;
            (self.t + h, h)
        }
    }

    /// Steps below this cannot be told apart from none.
    fn smallest_step(&self) -> f64 {
        let left = (self.t_end - self.t).abs();
        (10.0 * f64::EPSILON * self.t.abs()).max(f64::MIN_POSITIVE).min(left)
    }

    fn out_of_steps(&self) -> FailureReason {
        FailureReason::MaxSteps {
            max_steps: self.options.max_steps,
            t: self.t,
            t_end: self.t_end,
            h: self.env.statistics.h_last,
        }
    }

    fn too_small(&self, h: f64) -> FailureReason {
        if let Some(i) = self.scheme.first_non_finite() {
            return FailureReason::NonFinite { t: self.t, h, component: self.name(i) };
        }
        let worst = self.env.norm.worst(self.scheme.error(), &self.y0, &self.y1);
        let (component, value) = (self.name(worst), self.y0[worst]);
        FailureReason::StepSize { t: self.t, h, component, value }
    }

    fn not_finite(&self, h: f64) -> FailureReason {
        let index = self
            .scheme
            .first_non_finite()
            .or_else(|| self.y1.iter().position(|y| !y.is_finite()))
            .unwrap_or_else(|| self.env.norm.worst(self.scheme.error(), &self.y0, &self.y1));
        FailureReason::NonFinite { t: self.t, h, component: self.name(index) }
    }

    fn unsolved(&self, h: f64) -> FailureReason {
        let worst = self.env.norm.worst(self.scheme.error(), &self.y0, &self.y0);
        FailureReason::Newton { t: self.t, h, component: self.name(worst) }
    }

    fn name(&self, index: usize) -> String {
        self.env.field.component_name(index)
    }

    /// The method that steps.
    #[must_use]
    pub fn method(&self) -> &'static Method {
        self.method
    }
}
