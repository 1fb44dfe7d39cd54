//! Higher derivatives, integrals and inverses of the activations.

use std::f64::consts::{LN_2, PI};

use super::Activation;
use crate::linalg::elementary::{self, scalar};

impl Activation {
    /// Writes `g''(a)` to `out`; zero for piecewise linear activations, also at their kinks.
    pub fn second_derivative(self, a: &[f64], out: &mut [f64]) {
        match self {
            Self::Linear | Self::Relu | Self::LeakyRelu => elementary::map(a, out, zero),
            Self::Tanh => elementary::map(a, out, tanh_second),
            Self::Softplus => elementary::sigmoid_slope(a, out),
            Self::Sigmoid => elementary::map(a, out, sigmoid_second),
        }
    }

    /// Writes `g'''(a)` to `out`; zero for piecewise linear activations, also at their kinks.
    pub fn third_derivative(self, a: &[f64], out: &mut [f64]) {
        match self {
            Self::Linear | Self::Relu | Self::LeakyRelu => elementary::map(a, out, zero),
            Self::Tanh => elementary::map(a, out, tanh_third),
            Self::Softplus => elementary::map(a, out, sigmoid_second),
            Self::Sigmoid => elementary::map(a, out, sigmoid_third),
        }
    }

    /// The antiderivative `G(a)`, the integral of `g` from 0 to `a`.
    ///
    /// Relative error below `1e-14` for all but [`Softplus`](Self::Softplus) and
    /// [`Sigmoid`](Self::Sigmoid) at negative arguments, where the same holds relative to the limits
    /// at minus infinity, `-pi^2 / 12` and `-log 2`.
    #[must_use]
    pub fn integral(self, a: f64) -> f64 {
        match self {
            Self::Linear => 0.5 * a * a,
            Self::Tanh => log_cosh(a),
            Self::Relu if a <= 0.0 => 0.0,
            Self::Relu | Self::LeakyRelu => 0.5 * a * self.value(a),
            Self::Softplus => softplus_integral(a),
            Self::Sigmoid if a.abs() <= 1.0 => 0.5 * a + log_cosh(0.5 * a),
            Self::Sigmoid => scalar::softplus(a) - LN_2,
        }
    }

    /// The argument with `g(a) = h`, where there is exactly one and it is finite.
    #[must_use]
    pub fn inverse(self, h: f64) -> Option<f64> {
        let a = match self {
            Self::Linear => h,
            Self::Tanh => h.atanh(),
            Self::Relu if h > 0.0 => h,
            Self::Relu => return None,
            Self::LeakyRelu => h / self.slope_at(h),
            // log(e^h - 1), arranged so that neither end overflows or cancels.
            Self::Softplus => h + (-(-h).exp_m1()).ln(),
            Self::Sigmoid => h.ln() - (-h).ln_1p(),
        };
        a.is_finite().then_some(a)
    }
}

#[inline(always)]
fn zero(a: f64) -> f64 {
    if a.is_nan() { a } else { 0.0 }
}

/// `-2 t (1 - t^2)` with `t = tanh a`.
#[inline(always)]
fn tanh_second(a: f64) -> f64 {
    let (t, slope) = scalar::tanh_and_slope(a);
    -2.0 * t * slope
}

/// `-2 (1 - t^2) (1 - 3 t^2)` with `t = tanh a`.
#[inline(always)]
fn tanh_third(a: f64) -> f64 {
    let (t, slope) = scalar::tanh_and_slope(a);
    -2.0 * slope * (1.0 - 3.0 * t * t)
}

/// `s' (1 - 2 s)` with `s` the logistic function, where `1 - 2 s = -tanh(a / 2)`.
#[inline(always)]
fn sigmoid_second(a: f64) -> f64 {
    -scalar::sigmoid_slope(a) * scalar::tanh(0.5 * a)
}

/// `s' (1 - 6 s')` with `s` the logistic function.
#[inline(always)]
fn sigmoid_third(a: f64) -> f64 {
    let slope = scalar::sigmoid_slope(a);
    slope * (1.0 - 6.0 * slope)
}

/// Taylor coefficients `t_k` of `tanh y = sum_k t_k y^(2 k + 1)`.
///
/// From `tanh' = 1 - tanh^2`: `(2 k + 1) t_k = -sum t_i t_j` over `i + j = k - 1`. The series
/// converges for `|y| < pi / 2`; eighteen terms leave less than `1e-18` at `|y| = 1/2`.
const TANH_SERIES: [f64; 18] = {
    let mut t = [1.0; 18];
    let mut k = 1;
    while k < t.len() {
        let mut sum = 0.0;
        let mut i = 0;
        while i < k {
            sum += t[i] * t[k - 1 - i];
            i += 1;
        }
        t[k] = -sum / (2 * k + 1) as f64;
        k += 1;
    }
    t
};

/// `log cosh y`.
fn log_cosh(y: f64) -> f64 {
    if y.abs() <= 0.5 {
        let square = y * y;
        let terms = TANH_SERIES.iter().enumerate().rev();
        return square * terms.fold(0.0, |sum, (k, t)| t / (2 * k + 2) as f64 + square * sum);
    }
    // log cosh y = log(1 + e^(2 |y|)) - |y| - log 2, in the form without overflow.
    y.abs() + (scalar::softplus(-2.0 * y.abs()) - LN_2)
}

/// The integral of `log cosh` from 0 to `y`, for `|y| <= 1/2`.
fn log_cosh_integral(y: f64) -> f64 {
    let square = y * y;
    let terms = TANH_SERIES.iter().enumerate().rev();
    let series =
        terms.fold(0.0, |sum, (k, t)| t / ((2 * k + 2) * (2 * k + 3)) as f64 + square * sum);
    y * square * series
}

/// The integral of softplus from 0 to `a`, a dilogarithm: `-Li2(-e^a) - pi^2 / 12`.
///
/// Near zero from `log(1 + e^a) = log 2 + a / 2 + log cosh(a / 2)`. Elsewhere from
/// `-Li2(-z) = z - z^2 / 2^2 + z^3 / 3^2 - ...` at `z = e^-|a|`, with the inversion formula
/// `Li2(-e^a) + Li2(-e^-a) = -pi^2 / 6 - a^2 / 2` for positive `a` (Lewin 1981, equation 1.7).
fn softplus_integral(a: f64) -> f64 {
    if a.abs() <= 1.0 {
        return a * LN_2 + 0.25 * a * a + 2.0 * log_cosh_integral(0.5 * a);
    }
    let z = scalar::exp(-a.abs());
    // e^-36 / 36^2 is below 1e-18.
    let series = (1..=36).rev().fold(0.0, |sum, k| f64::from(k * k).recip() - z * sum) * z;
    let constant = PI * PI / 12.0;
    if a < 0.0 { series - constant } else { 0.5 * a * a + (constant - series) }
}
