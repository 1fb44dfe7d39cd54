//! The functions for one number, free of branches so that loops over them vectorise.

use super::exponential::{Split, log_1p, scale, split};

/// Where the argument of [`exp`] is held: results are infinite above 709.8 and zero below -745.2.
const EXP_RANGE: f64 = 750.0;
/// Where `2 |x|` is held for [`tanh`], which is 1 long before; `4 exp(700)` is still finite.
const TANH_RANGE: f64 = 700.0;

/// `exp(x)`.
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    // Comparisons with NaN are false and pass it on.
    let x = if x > EXP_RANGE { EXP_RANGE } else { x };
    let x = if x < -EXP_RANGE { -EXP_RANGE } else { x };
    let Split { k, excess, .. } = split(x);
    scale(1.0 + excess, k)
}

/// `tanh(x)`.
#[inline(always)]
pub(crate) fn tanh(x: f64) -> f64 {
    tanh_and_slope(x).0
}

/// `1 - tanh(x)^2`.
#[inline(always)]
pub(crate) fn tanh_slope(x: f64) -> f64 {
    tanh_and_slope(x).1
}

/// `tanh(x)` and `1 - tanh(x)^2`, from `e = exp(2 |x|) - 1`.
///
/// `tanh |x| = e / (e + 2)` keeps the relative accuracy of small arguments, and
/// `1 - 2 / (e + 2)` is monotone where `e + 2` has few bits left for the 2. The slope is
/// `4 (e + 1) / (e + 2)^2`.
#[inline(always)]
pub(crate) fn tanh_and_slope(x: f64) -> (f64, f64) {
    let y = 2.0 * x.abs();
    let y = if y > TANH_RANGE { TANH_RANGE } else { y };
    let Split { power, excess, .. } = split(y);
    let e = power * excess + (power - 1.0);
    let far = e > 2.0;
    let quotient = (if far { 2.0 } else { e }) / (e + 2.0);
    let value = if far { 1.0 - quotient } else { quotient };

    let reciprocal = 1.0 / (e + 2.0);
    let slope = 4.0 * (power * excess + power) * reciprocal * reciprocal;
    // Rounding may not exceed the bound that certificates rely on.
    let slope = if slope > 1.0 { 1.0 } else { slope };
    let slope = if y >= TANH_RANGE { 0.0 } else { slope };
    (value.copysign(x), slope)
}

/// `1 / (1 + exp(-x))`.
#[inline(always)]
pub(crate) fn sigmoid(x: f64) -> f64 {
    sigmoid_and_slope(x).0
}

/// `exp(-x) / (1 + exp(-x))^2`.
#[inline(always)]
pub(crate) fn sigmoid_slope(x: f64) -> f64 {
    sigmoid_and_slope(x).1
}

/// The logistic function and its slope, from `z = exp(-|x|)`.
#[inline(always)]
pub(crate) fn sigmoid_and_slope(x: f64) -> (f64, f64) {
    logistic(x, exp(-x.abs()))
}

/// `log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|))`.
#[inline(always)]
pub(crate) fn softplus(x: f64) -> f64 {
    softplus_and_slope(x).0
}

/// Softplus and its slope, the logistic function.
#[inline(always)]
pub(crate) fn softplus_and_slope(x: f64) -> (f64, f64) {
    let z = exp(-x.abs());
    let value = (if x > 0.0 { x } else { 0.0 }) + log_1p(z);
    (value, logistic(x, z).0)
}

/// The logistic function and its slope, given `z = exp(-|x|)`.
#[inline(always)]
fn logistic(x: f64, z: f64) -> (f64, f64) {
    let value = (if x >= 0.0 { 1.0 } else { z }) / (1.0 + z);
    let reciprocal = 1.0 / (1.0 + z);
    let slope = z * reciprocal * reciprocal;
    (value, if slope > 0.25 { 0.25 } else { slope })
}
