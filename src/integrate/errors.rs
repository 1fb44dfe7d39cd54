//! Errors of the integration layer.

use super::exact::ExactError;
use super::outcome::Outcome;

/// A run that cannot start: nothing was evaluated beyond `f(t0, y0)` and nothing was written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRun {
    /// A slice has the wrong length.
    #[error("{what} has {found} entries, the vector field has {expected} components")]
    Length {
        /// Which argument.
        what: &'static str,
        /// Components of the vector field.
        expected: usize,
        /// Entries given.
        found: usize,
    },
    /// An initial value is NaN or infinite.
    #[error("the initial value of {component} is {value}: give a finite number")]
    InitialValue {
        /// Name of the component.
        component: String,
        /// Its value.
        value: f64,
    },
    /// An end of the time span is NaN or infinite.
    #[error("{end} of the time span is {value}: give a finite time")]
    Time {
        /// `t_start` or `t_end`.
        end: &'static str,
        /// Its value.
        value: f64,
    },
    /// The vector field is not finite at the start.
    #[error(
        "the derivative of {component} is {value} at the start (t = {t}): look for NaN, infinite or huge weights and inputs"
    )]
    InitialDerivative {
        /// Name of the component.
        component: String,
        /// The derivative.
        value: f64,
        /// Start time.
        t: f64,
    },
    /// A tolerance is negative or not finite.
    #[error("{which} = {value}: a tolerance is a finite number >= 0")]
    Tolerance {
        /// `rtol`, or `atol` with the name of its component.
        which: String,
        /// Its value.
        value: f64,
    },
    /// Relative and absolute tolerance are both zero.
    #[error("rtol and atol are both 0: set at least one, e.g. rtol = 1e-8 and atol = 1e-10")]
    ZeroTolerances,
    /// The absolute tolerance is zero for a component that starts at zero.
    #[error(
        "atol is 0 for {component}, which starts at 0, so no error is small enough: set atol > 0, e.g. 1e-10"
    )]
    ZeroScale {
        /// Name of the component.
        component: String,
    },
    /// A fixed-step method without a usable step.
    #[error("method {method} takes a fixed step: set `step` to a finite number > 0 (got {step:?})")]
    Step {
        /// Name of the method.
        method: &'static str,
        /// What was given.
        step: Option<f64>,
    },
    /// A method that cannot integrate noise was given some.
    #[error(
        "the equation has noise, which {method} cannot integrate: use euler-maruyama or exponential-euler-maruyama, or remove the noise"
    )]
    Deterministic {
        /// Name of the method.
        method: &'static str,
    },
    /// A stochastic run against time.
    #[error("a run with noise cannot go backward in time: give a span that increases")]
    BackwardNoise,
    /// An option that must be positive and finite is not.
    #[error("{option} = {value}: give a finite number > 0")]
    Option {
        /// Name of the option.
        option: &'static str,
        /// Its value.
        value: f64,
    },
    /// An error estimate needs a finer run than double precision allows.
    #[error(
        "rtol = {rtol:e} leaves no room for a run at a tenth of it: estimate the error at rtol >= {least:.1e}, or cross-check with another solver"
    )]
    NoFinerTolerance {
        /// Relative tolerance of the run.
        rtol: f64,
        /// Smallest one whose tenth can be used.
        least: f64,
    },
    /// A save grid that cannot be built.
    #[error(transparent)]
    SaveAt(#[from] InvalidSaveAt),
    /// There is no exact solution to evaluate.
    #[error(transparent)]
    Exact(#[from] ExactError),
    /// A solver that cannot do what is asked of it.
    #[error("the solver {solver} does not support {what}: {remedy}")]
    Unsupported {
        /// Name of the solver.
        solver: &'static str,
        /// What it cannot do.
        what: &'static str,
        /// What to do instead.
        remedy: &'static str,
    },
    /// A solver from another crate that does not start.
    #[error("{solver} does not start: {message}")]
    Foreign {
        /// Name of the solver.
        solver: &'static str,
        /// What it reported.
        message: String,
    },
    /// A solver that this program was built without.
    #[error(
        "this program was built without the solver {solver}: build it with `--features {feature}`"
    )]
    NotBuilt {
        /// Name of the solver.
        solver: &'static str,
        /// The cargo feature that brings it.
        feature: &'static str,
    },
}

/// Save times that make no sense for the span.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSaveAt {
    /// The interval between rows is not a positive finite number.
    #[error("save_at.{key} = {value}: give a finite number > 0")]
    Interval {
        /// `every` or `log.first`.
        key: &'static str,
        /// Its value.
        value: f64,
    },
    /// The interval is below the resolution of time.
    #[error(
        "save_at.every = {every} is below the resolution of time near t = {t}: save times would repeat"
    )]
    Resolution {
        /// The interval.
        every: f64,
        /// Largest time of the span in magnitude.
        t: f64,
    },
    /// Too few rows.
    #[error("save_at.{key} = {count}: give at least 2 rows")]
    Count {
        /// `count` or `log.count`.
        key: &'static str,
        /// Its value.
        count: u64,
    },
    /// The first logarithmic interval does not lie inside the span.
    #[error("save_at.log.first = {first} is not shorter than the span of {span}")]
    LogFirst {
        /// First interval after the start.
        first: f64,
        /// Length of the time span.
        span: f64,
    },
    /// A listed time lies outside the span.
    #[error("save_at.times[{index}] = {value} lies outside the span {start} to {end}")]
    Outside {
        /// Position in the list.
        index: usize,
        /// Its value.
        value: f64,
        /// Start of the span.
        start: f64,
        /// End of the span.
        end: f64,
    },
    /// Listed times do not move strictly from start to end.
    #[error(
        "save_at.times[{index}] = {value} does not follow {previous} in the direction of integration"
    )]
    Order {
        /// Position in the list.
        index: usize,
        /// Its value.
        value: f64,
        /// The entry before it.
        previous: f64,
    },
    /// No times are listed.
    #[error("save_at.times is empty")]
    Empty,
}

/// Why a run that had started could not reach its end.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FailureReason {
    /// The step budget ran out.
    #[error(
        "max_steps = {max_steps} reached at t = {t} on the way to {t_end} (last step {h:.3e}): raise max_steps, loosen the tolerances or try another solver"
    )]
    MaxSteps {
        /// The budget.
        max_steps: u64,
        /// Time reached.
        t: f64,
        /// End of the span.
        t_end: f64,
        /// Last step size.
        h: f64,
    },
    /// Stability, not accuracy, bounds the explicit step so hard that the budget cannot suffice.
    #[error(
        "stiff at t = {t}: stability holds the explicit step at {h:.3e}, so reaching {t_end} takes about {steps_needed:.1e} more steps (max_steps = {max_steps}): use `auto` or `implicit`"
    )]
    Stiff {
        /// Time reached.
        t: f64,
        /// End of the span.
        t_end: f64,
        /// Step size allowed by stability.
        h: f64,
        /// Steps needed at that size.
        steps_needed: f64,
        /// The budget.
        max_steps: u64,
    },
    /// The error test keeps failing however small the step.
    #[error(
        "step size {h:.3e} at t = {t} is too small to advance; worst component {component} = {value:.3e}: the solution may blow up or jump here"
    )]
    StepSize {
        /// Time reached.
        t: f64,
        /// The step that was too small.
        h: f64,
        /// Component with the largest scaled error.
        component: String,
        /// Its value at the last accepted time.
        value: f64,
    },
    /// Stages are not finite however small the step.
    #[error(
        "{component} is not finite beyond t = {t} (step {h:.3e}): the solution overflows there, the vector field is undefined, or a fixed step is too long"
    )]
    NonFinite {
        /// Time reached.
        t: f64,
        /// The last step tried.
        h: f64,
        /// First component that is not finite.
        component: String,
    },
    /// Newton iterations or the factorisation fail however small the step.
    #[error(
        "the implicit equations at t = {t} could not be solved down to step {h:.3e} (worst component {component}): check the Jacobian of the vector field"
    )]
    Newton {
        /// Time reached.
        t: f64,
        /// The last step tried.
        h: f64,
        /// Component with the largest residual.
        component: String,
    },
    /// A solver from another crate gave up.
    #[error("{solver} gave up at t = {t}: {message}")]
    Foreign {
        /// Name of the solver.
        solver: &'static str,
        /// Time reached.
        t: f64,
        /// What it reported.
        message: String,
    },
}

/// A run that did not produce a complete result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum IntegrateError {
    /// Refused before the first step.
    #[error(transparent)]
    Invalid(#[from] InvalidRun),
    /// Broke down on the way; rows up to the time reached were delivered.
    #[error("{reason}")]
    Failed {
        /// Why.
        reason: FailureReason,
        /// Everything known at the time reached.
        outcome: Box<Outcome>,
    },
}

/// A method name that is not in the registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown solver `{name}`; known: {known}")]
pub struct UnknownMethod {
    /// The name given.
    pub name: String,
    /// Names that exist, separated by commas.
    pub known: String,
}
