//! Options of a run.

use super::errors::InvalidRun;
use super::method::Method;
use super::noise::Noise;
use super::tolerance::Tolerances;

/// What a user can set about the stepping loop.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Error tolerances; ignored by fixed-step methods.
    pub tolerances: Tolerances,
    /// Step of fixed-step methods, s. Steps end at `t_start + k step`; the last one is shortened
    /// to end at `t_end`.
    pub step: Option<f64>,
    /// Steps that may be tried, accepted or not.
    pub max_steps: u64,
    /// First step; estimated from the vector field when absent.
    pub initial_step: Option<f64>,
    /// Largest step; the whole span when absent.
    pub max_step: Option<f64>,
    /// Noise, for stochastic methods.
    pub noise: Option<Noise>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tolerances: Tolerances::default(),
            step: None,
            max_steps: 1_000_000,
            initial_step: None,
            max_step: None,
            noise: None,
        }
    }
}

impl Options {
    /// Defaults with these tolerances.
    #[must_use]
    pub fn with_tolerances(rtol: f64, atol: f64) -> Self {
        Self { tolerances: Tolerances::new(rtol, atol), ..Self::default() }
    }

    /// Defaults with a fixed step.
    #[must_use]
    pub fn with_step(step: f64) -> Self {
        Self { step: Some(step), ..Self::default() }
    }

    /// Noise must not be dropped silently, and a Brownian path has one direction.
    pub(crate) fn check_noise(
        &self,
        method: &Method,
        t_span: (f64, f64),
    ) -> Result<(), InvalidRun> {
        let noisy = self.noise.as_ref().is_some_and(|noise| !noise.inputs.is_empty());
        if noisy && !method.is_stochastic() {
            return Err(InvalidRun::Deterministic { method: method.name });
        }
        if noisy && t_span.1 < t_span.0 {
            return Err(InvalidRun::BackwardNoise);
        }
        Ok(())
    }

    pub(crate) fn validate(&self, method: &Method) -> Result<(), InvalidRun> {
        let usable = |x: f64| x > 0.0 && x.is_finite();
        if method.is_fixed_step() && !self.step.is_some_and(usable) {
            return Err(InvalidRun::Step { method: method.name, step: self.step });
        }
        for (option, value) in [("initial_step", self.initial_step), ("max_step", self.max_step)] {
            if let Some(value) = value.filter(|x| !usable(*x)) {
                return Err(InvalidRun::Option { option, value });
            }
        }
        if self.max_steps == 0 {
            return Err(InvalidRun::Option { option: "max_steps", value: 0.0 });
        }
        Ok(())
    }
}
