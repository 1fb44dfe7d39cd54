//! Controllers of a rate network.

use crate::dynamics::error::{DynamicsError, require_finite_number, require_positive};

/// A controller that turns the error `e = target - readout g(x)` into a control signal `c`.
///
/// All three are special cases of
///
/// ```text
/// tau            z' = k_i e - leak z
/// tau_derivative s' = e - s
///                c  = z + k_p e + k_d (e - s) / tau_derivative
/// ```
///
/// The last term is the derivative of the error behind a first-order filter, the transfer function
/// `k_d p / (1 + tau_derivative p)`: a pure derivative is not causal. Fields are the keys of model
/// files.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Controller {
    /// `c = z`.
    LeakyIntegral {
        /// Leak of the integral.
        leak: f64,
        /// Time constant of the integral, s.
        tau: f64,
        /// Gain of the integral.
        k_i: f64,
    },
    /// `c = z + k_p e`.
    ProportionalIntegral {
        /// Gain of the error itself.
        k_p: f64,
        /// Gain of the integral.
        k_i: f64,
        /// Leak of the integral.
        leak: f64,
        /// Time constant of the integral, s.
        tau: f64,
    },
    /// `c = z + k_p e + k_d (e - s) / tau_derivative`.
    Pid {
        /// Gain of the error itself.
        k_p: f64,
        /// Gain of the integral.
        k_i: f64,
        /// Gain of the filtered derivative, s.
        k_d: f64,
        /// Leak of the integral.
        leak: f64,
        /// Time constant of the integral, s.
        tau: f64,
        /// Time constant of the derivative's filter, s.
        tau_derivative: f64,
    },
}

/// Names of the controllers in model files.
pub const CONTROLLERS: &[&str] = &["leaky-integral", "proportional-integral", "pid"];

/// The common form of all controllers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gains {
    pub(super) leak: f64,
    pub(super) tau: f64,
    pub(super) integral: f64,
    /// Gain of the error in `c`, the part of the filtered derivative included.
    pub(super) error: f64,
    /// Gain of the filtered error in `c` and its time constant, where there is a derivative.
    pub(super) filter: Option<(f64, f64)>,
}

impl Controller {
    pub(super) fn gains(&self) -> Result<Gains, DynamicsError> {
        let (k_p, k_i, leak, tau) = match *self {
            Self::LeakyIntegral { leak, tau, k_i } => (0.0, k_i, leak, tau),
            Self::ProportionalIntegral { k_p, k_i, leak, tau }
            | Self::Pid { k_p, k_i, leak, tau, .. } => (k_p, k_i, leak, tau),
        };
        for (what, value) in [("k_p", k_p), ("k_i", k_i), ("leak", leak)] {
            require_finite_number(what, value)?;
        }
        require_positive("tau", tau)?;
        let mut gains = Gains { leak, tau, integral: k_i, error: k_p, filter: None };
        if let Self::Pid { k_d, tau_derivative, .. } = *self {
            require_finite_number("k_d", k_d)?;
            require_positive("tau_derivative", tau_derivative)?;
            let rate = k_d / tau_derivative;
            gains.error += rate;
            gains.filter = Some((-rate, tau_derivative));
        }
        Ok(gains)
    }
}
