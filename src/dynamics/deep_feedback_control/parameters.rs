//! Constants of deep feedback control.

use crate::dynamics::error::{DynamicsError, require_finite_number, require_positive};

/// The variable that leaks in the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeakOn {
    /// `tau_u w' = e - leak u`, as both published programs have it.
    U,
    /// `tau_u w' = e - leak w`, as the paper's text has it.
    W,
}

/// Time constants of first-order low-pass filters, s; no filter where absent.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ControlFilters {
    /// Of the output error before it reaches the controller.
    pub tau_error: Option<f64>,
    /// Of the control signal before it reaches the layers.
    pub tau_controller: Option<f64>,
    /// Of the voltages, for recording and learning; the dynamics do not see it.
    pub tau_voltage: Option<f64>,
}

/// The compartment that noise enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoiseSite {
    /// The apical compartment.
    Apical,
    /// The voltages.
    Somatic,
}

/// Independent additive noise in every unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ControlNoise {
    /// White noise: `dx = f dt + std dB`.
    White {
        /// Where it enters.
        site: NoiseSite,
        /// Intensity, s^-1/2.
        std: f64,
    },
    /// Ornstein-Uhlenbeck noise `tau xi' = -xi + std sqrt(2 tau) dB/dt`, added to the input of the
    /// compartment.
    OrnsteinUhlenbeck {
        /// Where it enters.
        site: NoiseSite,
        /// Stationary standard deviation.
        std: f64,
        /// Correlation time, s.
        tau: f64,
    },
}

impl ControlNoise {
    /// Where it enters.
    #[must_use]
    pub fn site(&self) -> NoiseSite {
        let (Self::White { site, .. } | Self::OrnsteinUhlenbeck { site, .. }) = *self;
        site
    }

    /// The correlation time; `None` for white noise.
    pub(super) fn correlation_time(&self) -> Option<f64> {
        match *self {
            Self::White { .. } => None,
            Self::OrnsteinUhlenbeck { tau, .. } => Some(tau),
        }
    }
}

/// Leak, gain, time constants, filters and noise of [`DeepFeedbackControl`](super::DeepFeedbackControl).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ControlParameters {
    /// Leak of the controller, `leak`.
    pub leak: f64,
    /// The variable that leaks.
    pub leak_on: LeakOn,
    /// Proportional gain, `k_p`.
    pub k_p: f64,
    /// Time constant of the voltages, s.
    pub tau_v: f64,
    /// Time constant of the integral, s.
    pub tau_u: f64,
    /// Time constant of the apical compartment, s; no compartment when absent.
    pub tau_apical: Option<f64>,
    /// The limit `tau_v -> 0`, in which voltages follow their input at once.
    pub instantaneous: bool,
    /// Low-pass filters.
    pub filters: ControlFilters,
    /// Additive noise.
    pub noise: Option<ControlNoise>,
}

impl ControlParameters {
    /// Integral control with this leak on `u`, unit time constants and nothing else.
    #[must_use]
    pub fn with_leak(leak: f64) -> Self {
        Self {
            leak,
            leak_on: LeakOn::U,
            k_p: 0.0,
            tau_v: 1.0,
            tau_u: 1.0,
            tau_apical: None,
            instantaneous: false,
            filters: ControlFilters::default(),
            noise: None,
        }
    }

    /// The damping `a` of the steady state, where `e = a u`: `leak` (leak on `u`) or
    /// `leak / (1 + leak k_p)` (leak on `w`).
    #[must_use]
    pub fn steady_leak(&self) -> f64 {
        match self.leak_on {
            LeakOn::U => self.leak,
            LeakOn::W => self.leak / (1.0 + self.leak * self.k_p),
        }
    }

    /// Whether `u` follows from an equation of its own: with voltages, control signal and error all
    /// without delay, `u = w + k_p (target - r_L(u))`.
    pub(super) fn has_algebraic_loop(&self) -> bool {
        self.instantaneous
            && self.tau_apical.is_none()
            && self.filters.tau_controller.is_none()
            && self.filters.tau_error.is_none()
            && self.k_p > 0.0
    }

    /// Refuses parameters out of range and combinations without meaning.
    pub(super) fn check(&self) -> Result<(), DynamicsError> {
        for (what, value) in [("leak", self.leak), ("k_p", self.k_p)] {
            require_finite_number(what, value)?;
            if value < 0.0 {
                let allowed = "at least 0";
                return Err(DynamicsError::Range { what: what.to_owned(), value, allowed });
            }
        }
        require_positive("tau_v", self.tau_v)?;
        require_positive("tau_u", self.tau_u)?;
        let ControlFilters { tau_error, tau_controller, tau_voltage } = self.filters;
        let optional = [
            ("tau_apical", self.tau_apical),
            ("tau_error", tau_error),
            ("tau_controller", tau_controller),
            ("tau_voltage", tau_voltage),
        ];
        for (what, value) in optional {
            value.map_or(Ok(()), |value| require_positive(what, value))?;
        }
        self.noise.map_or(Ok(()), |noise| self.check_noise(noise))
    }

    fn check_noise(&self, noise: ControlNoise) -> Result<(), DynamicsError> {
        let (ControlNoise::White { std, .. } | ControlNoise::OrnsteinUhlenbeck { std, .. }) = noise;
        require_finite_number("std", std)?;
        if std < 0.0 {
            let what = "std".to_owned();
            return Err(DynamicsError::Range { what, value: std, allowed: "at least 0" });
        }
        if let Some(tau) = noise.correlation_time() {
            require_positive("tau", tau)?;
        }
        let incompatible = |what: &str, with: &str, remedy| {
            let (what, with) = (what.to_owned(), with.to_owned());
            Err(DynamicsError::Incompatible { what, with, remedy })
        };
        match noise {
            _ if noise.site() == NoiseSite::Apical && self.tau_apical.is_none() => incompatible(
                "noise in the apical compartment",
                "a model without one",
                "set tau_apical, or let the noise enter the voltages",
            ),
            ControlNoise::White { site: NoiseSite::Somatic, .. } if self.instantaneous => {
                incompatible(
                    "white noise in the voltages",
                    "infinitely fast voltages, whose variance it would make infinite",
                    "use Ornstein-Uhlenbeck noise, or a finite tau_v",
                )
            }
            _ => Ok(()),
        }
    }
}
