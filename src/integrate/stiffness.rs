//! Detection of explicit runs that stability makes hopeless.

/// Watches how much of its stability interval each step uses.
///
/// A run at rest uses all of it without harm: its steps are as long as stability allows and the
/// solution no longer changes. So a run counts as hopeless only when stability has bounded the
/// step for many steps and the rest of the span needs more steps of that size than the budget
/// holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct StiffnessWatch {
    bounded: u32,
    free: u32,
    /// Time at which the present series of bounded steps began.
    since: f64,
}

/// Share of the stability interval that counts as bounded by it.
const BOUNDED: f64 = 0.9;
/// Bounded steps that make a series (code DOPRI5 uses 15; a longer average is wanted here).
const SERIES: u32 = 25;
/// Free steps in a row that end a series (code DOPRI5).
const FREE: u32 = 6;

impl StiffnessWatch {
    /// Notes an accepted step from `t0`; `stability_use` as in `Scheme::stability_use`.
    pub(crate) fn note(&mut self, t0: f64, stability_use: Option<f64>) {
        if stability_use.is_some_and(|share| share > BOUNDED) {
            if self.bounded == 0 {
                self.since = t0;
            }
            self.bounded += 1;
            self.free = 0;
        } else {
            self.free += 1;
            if self.free >= FREE {
                self.bounded = 0;
            }
        }
    }

    /// Whether stability bounds the step.
    pub(crate) fn is_bounded(&self) -> bool {
        self.bounded >= SERIES
    }

    /// Steps still needed to reach `t_end` at the pace of the present series.
    pub(crate) fn steps_needed(&self, t: f64, t_end: f64) -> f64 {
        (t_end - t) / (t - self.since) * f64::from(self.bounded)
    }
}
