//! Activation functions `g`, their slopes and bounds.

use crate::linalg::elementary;

/// Slope of [`Activation::LeakyRelu`] for negative arguments.
pub const LEAKY_SLOPE: f64 = 0.01;

/// An elementwise activation function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
            Self::Relu => a.iter().zip(h).for_each(|(&a, h)| *h = a.max(0.0)),
            Self::LeakyRelu => {
                a.iter().zip(h).for_each(|(&a, h)| *h = if a > 0.0 { a } else { LEAKY_SLOPE * a });
            }
            Self::Softplus => elementary::softplus(a, h),
            Self::Sigmoid => elementary::sigmoid(a, h),
        }
    }

    /// Writes the slope `g'(a)` to `d`.
    pub fn slope(self, a: &[f64], d: &mut [f64]) {
        match self {
            Self::Linear => d.fill(1.0),
            Self::Tanh => {
                elementary::tanh(a, d);
                d.iter_mut().for_each(|d| *d = (1.0 - *d) * (1.0 + *d));
            }
            Self::Relu => a.iter().zip(d).for_each(|(&a, d)| *d = if a > 0.0 { 1.0 } else { 0.0 }),
            Self::LeakyRelu => {
                a.iter().zip(d).for_each(|(&a, d)| *d = if a > 0.0 { 1.0 } else { LEAKY_SLOPE });
            }
            Self::Softplus => elementary::sigmoid(a, d),
            Self::Sigmoid => {
                elementary::sigmoid(a, d);
                d.iter_mut().for_each(|d| *d *= 1.0 - *d);
            }
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
}
