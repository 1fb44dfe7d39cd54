//! What a run reports when it ends.

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Status {
    /// The end of the span was reached.
    Complete,
    /// A confirmed steady state stopped the run.
    SteadyState,
    /// The terminal event with this index stopped the run.
    Event(usize),
    /// An observer asked to stop.
    Stopped,
    /// The interrupt flag was raised.
    Interrupted,
    /// The step budget ran out; carried by an error.
    MaxSteps,
    /// A numerical failure; carried by an error.
    Failed,
}

impl Status {
    /// The word used in result files and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::SteadyState => "steady-state",
            Self::Event(_) => "event",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
            Self::MaxSteps => "max-steps",
            Self::Failed => "failed",
        }
    }
}

/// Work done by a run.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Statistics {
    /// Accepted steps.
    pub n_steps: u64,
    /// Rejected steps: error too large, stages not finite, or Newton iterations that failed.
    pub n_rejected: u64,
    /// Evaluations of the vector field, those of dense output included.
    pub n_rhs: u64,
    /// Jacobian evaluations.
    pub n_jac: u64,
    /// Factorisations of the shifted Jacobian.
    pub n_factor: u64,
    /// Newton iterations, each one linear solve.
    pub n_newton: u64,
    /// Smallest accepted step, absolute value (0 before the first step).
    pub h_min: f64,
    /// Largest accepted step, absolute value.
    pub h_max: f64,
    /// Last accepted step, signed.
    pub h_last: f64,
}

impl Statistics {
    /// Steps tried, accepted or not: what `max_steps` counts.
    #[must_use]
    pub fn attempts(&self) -> u64 {
        self.n_steps + self.n_rejected
    }

    pub(crate) fn accept(&mut self, h: f64) {
        let size = h.abs();
        self.h_min = if self.n_steps == 0 { size } else { self.h_min.min(size) };
        self.h_max = self.h_max.max(size);
        self.h_last = h;
        self.n_steps += 1;
    }
}

/// Something the user should know although the run goes on.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// `rtol` is below what double precision can deliver.
    RtolRaised {
        /// As requested.
        requested: f64,
        /// As used.
        used: f64,
    },
    /// Every nonzero initial value is below its absolute tolerance, so the solver does not resolve
    /// the start: near an unstable rest point even the sign of the outcome may be wrong.
    UnresolvedStart {
        /// Component with the largest initial value relative to its tolerance.
        component: String,
        /// Its initial value.
        value: f64,
        /// Its absolute tolerance.
        atol: f64,
    },
    /// A steady state was suspected but not confirmed.
    SteadyStateRefused {
        /// Time of the test.
        t: f64,
        /// Why it was refused.
        reason: super::steady_state::Refusal,
    },
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::RtolRaised { requested, used } => {
                write!(f, "rtol = {requested:e} is below machine precision; using {used:.1e}")
            }
            Self::UnresolvedStart { component, value, atol } => write!(
                f,
                "the initial state is below the absolute tolerance ({component} = {value:e}, atol = {atol:e}): \
                 the start is not resolved; lower atol"
            ),
            Self::SteadyStateRefused { t, reason } => {
                write!(f, "no steady state at t = {t}: {reason}")
            }
        }
    }
}

/// A zero crossing found during a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EventHit {
    /// Position of the event in the run's list.
    pub event: usize,
    /// Time of the crossing.
    pub t: f64,
    /// Whether the event function rises through zero.
    pub rising: bool,
}

/// The end of a run, complete or partial.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// How it ended.
    pub status: Status,
    /// Time reached.
    pub t: f64,
    /// State at that time.
    pub y: Vec<f64>,
    /// Work done.
    pub statistics: Statistics,
    /// Things worth knowing.
    pub warnings: Vec<Warning>,
    /// Zero crossings in the order of integration.
    pub events: Vec<EventHit>,
    /// The confirmed equilibrium when `status` is [`Status::SteadyState`].
    pub equilibrium: Option<super::steady_state::Equilibrium>,
}
