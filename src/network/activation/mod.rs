//! Activation functions `g`, their slopes and bounds.

mod calculus;

use crate::linalg::elementary::{self, scalar};

/// Slope of [`Activation::LeakyRelu`] for negative arguments (Maas, Hannun & Ng 2013).
pub const LEAKY_SLOPE: f64 = 0.01;

/// An elementwise activation function.
///
/// Methods on slices are vectorised and allocate nothing; methods on one number give the same bits.
/// NaN gives NaN throughout, except that the slope of [`Linear`](Self::Linear) is 1 everywhere. At
/// a kink the slope is the one from the left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// `g(a) = a`.
    Linear,
    /// `g(a) = tanh a`.
    Tanh,
    /// `g(a) = max(a, 0)`, slope 0 at the kink.
    Relu,
    /// `g(a) = a` for `a > 0`, `0.01 a` otherwise.
    LeakyRelu,
    /// `g(a) = log(1 + e^a)`.
    Softplus,
    /// `g(a) = 1 / (1 + e^-a)`.
    Sigmoid,
}

/// Every activation with its name in model files.
pub const ACTIVATIONS: &[(&str, Activation)] = &[
    ("linear", Activation::Linear),
    ("tanh", Activation::Tanh),
    ("relu", Activation::Relu),
    ("leaky-relu", Activation::LeakyRelu),
    ("softplus", Activation::Softplus),
    ("sigmoid", Activation::Sigmoid),
];

impl Activation {
    /// Writes `g(a)` to `h`.
    pub fn apply(self, a: &[f64], h: &mut [f64]) {
        match self {
            Self::Linear => h.copy_from_slice(a),
            Self::Tanh => elementary::tanh(a, h),
            Self::Relu => elementary::map(a, h, |a| ramp(a, 0.0)),
            Self::LeakyRelu => elementary::map(a, h, |a| ramp(a, LEAKY_SLOPE)),
            Self::Softplus => elementary::softplus(a, h),
            Self::Sigmoid => elementary::sigmoid(a, h),
        }
    }

    /// Writes the slope `g'(a)` to `d`.
    pub fn slope(self, a: &[f64], d: &mut [f64]) {
        match self {
            Self::Linear => {
                assert_eq!(a.len(), d.len(), "slope: lengths of argument and result");
                d.fill(1.0);
            }
            Self::Tanh => elementary::tanh_slope(a, d),
            Self::Relu => elementary::map(a, d, |a| step(a, 0.0)),
            Self::LeakyRelu => elementary::map(a, d, |a| step(a, LEAKY_SLOPE)),
            Self::Softplus => elementary::sigmoid(a, d),
            Self::Sigmoid => elementary::sigmoid_slope(a, d),
        }
    }

    /// Writes `g(a)` to `h` and `g'(a)` to `d` in one pass, with the bits of [`apply`](Self::apply)
    /// and [`slope`](Self::slope).
    pub fn apply_with_slope(self, a: &[f64], h: &mut [f64], d: &mut [f64]) {
        match self {
            Self::Linear => {
                self.apply(a, h);
                self.slope(a, d);
            }
            Self::Tanh => elementary::tanh_and_slope(a, h, d),
            Self::Relu => elementary::map_pair(a, h, d, |a| (ramp(a, 0.0), step(a, 0.0))),
            Self::LeakyRelu => {
                elementary::map_pair(a, h, d, |a| (ramp(a, LEAKY_SLOPE), step(a, LEAKY_SLOPE)))
            }
            Self::Softplus => elementary::softplus_and_slope(a, h, d),
            Self::Sigmoid => elementary::sigmoid_and_slope(a, h, d),
        }
    }

    /// `g(a)` for one number.
    #[must_use]
    pub fn value(self, a: f64) -> f64 {
        match self {
            Self::Linear => a,
            Self::Tanh => scalar::tanh(a),
            Self::Relu => ramp(a, 0.0),
            Self::LeakyRelu => ramp(a, LEAKY_SLOPE),
            Self::Softplus => scalar::softplus(a),
            Self::Sigmoid => scalar::sigmoid(a),
        }
    }

    /// `g'(a)` for one number.
    #[must_use]
    pub fn slope_at(self, a: f64) -> f64 {
        match self {
            Self::Linear => 1.0,
            Self::Tanh => scalar::tanh_slope(a),
            Self::Relu => step(a, 0.0),
            Self::LeakyRelu => step(a, LEAKY_SLOPE),
            Self::Softplus => scalar::sigmoid(a),
            Self::Sigmoid => scalar::sigmoid_slope(a),
        }
    }

    /// The greatest lower and least upper bound of the slope over the real line.
    #[must_use]
    pub fn slope_bounds(self) -> (f64, f64) {
        match self {
            Self::Linear => (1.0, 1.0),
            Self::Tanh | Self::Relu | Self::Softplus => (0.0, 1.0),
            Self::LeakyRelu => (LEAKY_SLOPE, 1.0),
            Self::Sigmoid => (0.0, 0.25),
        }
    }

    /// Whether the slope is constant on either side of zero, so that all higher derivatives vanish
    /// wherever they exist.
    #[must_use]
    pub fn is_piecewise_linear(self) -> bool {
        matches!(self, Self::Linear | Self::Relu | Self::LeakyRelu)
    }

    /// Whether the slope jumps where the argument is 0.
    #[must_use]
    pub fn has_kink(self) -> bool {
        matches!(self, Self::Relu | Self::LeakyRelu)
    }

    /// The name used in model files.
    #[must_use]
    pub fn name(self) -> &'static str {
        let entry = ACTIVATIONS.iter().find(|(_, a)| *a == self);
        entry.map(|(name, _)| *name).expect("every activation is listed")
    }

    /// The definition as one line of text.
    #[must_use]
    pub fn formula(self) -> &'static str {
        match self {
            Self::Linear => "a",
            Self::Tanh => "tanh(a)",
            Self::Relu => "max(a, 0), slope 0 at the kink",
            Self::LeakyRelu => "a for a > 0, 0.01 a otherwise",
            Self::Softplus => "log(1 + exp(a))",
            Self::Sigmoid => "1 / (1 + exp(-a))",
        }
    }

    /// The activation with this name in model files.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        ACTIVATIONS.iter().find(|(listed, _)| *listed == name).map(|(_, activation)| *activation)
    }
}

/// `a` for `a > 0`, `low a` otherwise.
#[inline(always)]
fn ramp(a: f64, low: f64) -> f64 {
    // Not `0 * a`, which is NaN at minus infinity and has the sign of `a`.
    let left = if low == 0.0 { 0.0 } else { low * a };
    if a <= 0.0 { left } else { a }
}

/// The slope of [`ramp`].
#[inline(always)]
fn step(a: f64, low: f64) -> f64 {
    if a <= 0.0 {
        low
    } else if a > 0.0 {
        1.0
    } else {
        a
    }
}
