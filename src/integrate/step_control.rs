//! Step-size control.

use super::method::Law;

/// Proportional-integral control (Gustafsson 1991; Hairer & Wanner, Solving ODEs II, IV.2):
/// the next step is `safety h err^-(exponent - 0.75 beta) err_old^beta`, within limits. A step
/// that follows a rejection never grows, and before the first accepted step the size may fall
/// faster, since a bad guess says nothing about the solution.
#[derive(Debug, Clone)]
pub(crate) struct StepControl {
    previous_error: f64,
    just_rejected: bool,
    started: bool,
}

/// Smallest factor before the first accepted step.
const FIRST_SHRINK: f64 = 0.1;

/// Errors below this count as this in the memory of the controller (code DOPRI5).
const LEAST_MEMORY: f64 = 1e-4;

impl StepControl {
    pub(crate) fn new() -> Self {
        Self { previous_error: LEAST_MEMORY, just_rejected: false, started: false }
    }

    /// Factor to the next step after an accepted one.
    pub(crate) fn accepted(&mut self, law: &Law, error: f64) -> f64 {
        let wanted = law.safety
            * error.powf(law.beta * 0.75 - law.exponent)
            * self.previous_error.powf(law.beta);
        let grow = if self.just_rejected { 1.0 } else { law.grow };
        self.previous_error = error.max(LEAST_MEMORY);
        self.just_rejected = false;
        self.started = true;
        // An error of exactly zero makes `wanted` infinite: the limit applies.
        wanted.clamp(law.shrink, grow)
    }

    /// Factor after an error test that failed.
    pub(crate) fn rejected(&mut self, law: &Law, error: f64) -> f64 {
        self.just_rejected = true;
        let least = if self.started { law.shrink } else { FIRST_SHRINK };
        (law.safety * error.powf(-law.exponent)).clamp(least, law.safety)
    }

    /// Notes a step that failed otherwise.
    pub(crate) fn failed(&mut self) {
        self.just_rejected = true;
    }
}
