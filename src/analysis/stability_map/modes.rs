//! The eigenvalues that all points of a map share.

use nalgebra::Complex;

use super::{LoopParameter, MapError};
use crate::analysis::Verdict;
use crate::dynamics::LayerLoop;
use crate::linalg::eigen::eigenvalues_with_conditions;
use crate::linalg::gemm::matmul;

/// Parameters of a layer loop at one point of a map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoopPoint {
    /// Leak of the controller.
    pub leak: f64,
    /// Factor of the feedback matrix.
    pub gain: f64,
    /// Time constant of the state, s.
    pub tau_state: f64,
    /// Time constant of the controller, s.
    pub tau_controller: f64,
}

impl LoopPoint {
    /// The same point with another value of one parameter.
    #[must_use]
    pub fn with(self, parameter: LoopParameter, value: f64) -> Self {
        match parameter {
            LoopParameter::Leak => Self { leak: value, ..self },
            LoopParameter::Gain => Self { gain: value, ..self },
            LoopParameter::TauRatio => Self { tau_state: value * self.tau_controller, ..self },
        }
    }
}

/// An eigenvalue of `M B` with imaginary part not negative, and its rounding error.
#[derive(Debug, Clone, Copy)]
pub(super) struct LoopMode {
    pub mu: Complex<f64>,
    error: f64,
}

/// The spectrum of a layer loop as a function of leak, gain and time constants.
#[derive(Debug, Clone)]
pub struct LoopModes {
    pub(super) modes: Vec<LoopMode>,
    point: LoopPoint,
    states: usize,
    controllers: usize,
}

impl LoopModes {
    /// Computes the eigenvalues of the smaller of `M B` and `B M`.
    ///
    /// # Errors
    /// Matrices that do not fit, time constants that are not positive, a leak below 0, entries that
    /// are not finite, no convergence.
    pub fn new(layer: &LayerLoop) -> Result<Self, MapError> {
        let LayerLoop { forward, feedback, leak, tau_state, tau_controller } = layer;
        let (controllers, states) = forward.shape();
        if feedback.shape() != (states, controllers) {
            let (found_rows, found_columns) = feedback.shape();
            let (rows, columns) = (states, controllers);
            return Err(MapError::Shape { rows, columns, found_rows, found_columns });
        }
        LoopParameter::Leak.check(*leak)?;
        for (parameter, value) in [("tau_state", *tau_state), ("tau_controller", *tau_controller)] {
            if !(value.is_finite() && value > 0.0) {
                let requirement = "finite and positive";
                return Err(MapError::Value { parameter, value, requirement });
            }
        }
        let product = if controllers <= states {
            matmul(forward, feedback)
        } else {
            matmul(feedback, forward)
        };
        let spectrum = eigenvalues_with_conditions(&product)?;
        let errors = spectrum.errors.into_iter().flatten();
        let conditions = spectrum.conditions.into_iter().flatten();
        // Sums of k products are off by k eps |M| |B| (Higham, Accuracy and Stability, section 3.5).
        let terms = states.max(controllers) as f64;
        let rounding = terms * f64::EPSILON * forward.norm() * feedback.norm();
        let values = spectrum.values.into_iter().zip(errors.zip(conditions));
        let modes = values.filter(|(mu, _)| mu.im >= 0.0).map(|(mu, (error, condition))| {
            LoopMode { mu, error: error + (condition * rounding).min(rounding.sqrt()) }
        });
        let point = LoopPoint {
            leak: *leak,
            gain: 1.0,
            tau_state: *tau_state,
            tau_controller: *tau_controller,
        };
        Ok(Self { modes: modes.collect(), point, states, controllers })
    }

    /// The parameters of the loop itself.
    #[must_use]
    pub fn point(&self) -> LoopPoint {
        self.point
    }

    /// Spectral abscissa (1/s) and verdict at a point. The verdict is marginal where rounding of the
    /// eigenvalues decides the sign.
    #[must_use]
    pub fn judge(&self, point: &LoopPoint) -> (f64, Verdict) {
        let (mut abscissa, mut lower, mut upper) =
            (f64::NEG_INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY);
        let mut note = |value: f64, error: f64| {
            abscissa = abscissa.max(value);
            lower = lower.max(value - error);
            upper = upper.max(value + error);
        };
        for mode in &self.modes {
            let (value, error) = mode.abscissa(point);
            note(value, error);
        }
        if self.states > self.controllers {
            note(-1.0 / point.tau_state, 0.0);
        }
        if self.controllers > self.states {
            note(-point.leak / point.tau_controller, 0.0);
        }
        let verdict = if lower > 0.0 {
            Verdict::Unstable
        } else if upper < 0.0 {
            Verdict::Stable
        } else {
            Verdict::Marginal
        };
        (abscissa, verdict)
    }

    /// Whether all modes are inside the parabola of stability, in exact arithmetic on the computed
    /// eigenvalues.
    pub(super) fn is_stable(&self, point: &LoopPoint) -> bool {
        let held = self.controllers <= self.states || point.leak > 0.0;
        held && self.modes.iter().all(|mode| mode.excess(point) < 0.0)
    }
}

impl LoopMode {
    /// The larger real part of the two roots, and how far rounding can move it.
    fn abscissa(&self, point: &LoopPoint) -> (f64, f64) {
        let LoopPoint { leak, gain, tau_state, tau_controller } = *point;
        let lead = tau_state * tau_controller;
        let half = 0.5 * (tau_controller + leak * tau_state) / lead;
        // x^2 + 2 half x + (re + i im) = 0.
        let (re, im) = ((leak - gain * self.mu.re) / lead, -gain * self.mu.im / lead);
        let (d_re, d_im) = (half * half - re, -im);
        let size = d_re.hypot(d_im);
        let (root_re, root_im) = if d_re >= 0.0 {
            let root = (0.5 * (size + d_re)).sqrt();
            (root, if root > 0.0 { 0.5 * d_im / root } else { 0.0 })
        } else {
            let root = (0.5 * (size - d_re)).sqrt();
            (0.5 * d_im.abs() / root, root.copysign(d_im))
        };
        // The far root is a sum without cancellation; the near one follows from the product.
        let (far_re, far_im) = (half + root_re, root_im);
        let near = -(re * far_re + im * far_im) / (far_re * far_re + far_im * far_im);
        let rounding = 8.0 * f64::EPSILON * (half * half + re.abs() + im.abs() + leak / lead);
        let change = gain.abs() * self.error / lead + rounding;
        let split = 2.0 * size.sqrt();
        (near, (2.0 * change / split).min(change.sqrt()))
    }

    /// Negative if and only if both roots are left of the imaginary axis.
    fn excess(&self, point: &LoopPoint) -> f64 {
        let LoopPoint { leak, gain, tau_state, tau_controller } = *point;
        let rate = tau_controller + leak * tau_state;
        let bend = tau_state * tau_controller / (rate * rate);
        gain * self.mu.re - leak + bend * (gain * self.mu.im).powi(2)
    }
}
