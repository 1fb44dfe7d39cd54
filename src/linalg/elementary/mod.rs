//! Elementary functions over slices: exponential, hyperbolic tangent, logistic, softplus.
//!
//! Each function is written once, for one number, from additions, multiplications, divisions and
//! selections only, and applied to slices by loops that the compiler turns into vector instructions
//! for the processor found at run time. IEEE arithmetic then fixes every bit: an element's result
//! depends neither on its position, nor on the length of the slice, nor on the instruction set. No
//! fused multiply-add is used, for the same reason.
//!
//! # Errors
//!
//! Bounds on the error in units in the last place of the result, from a comparison with 106-bit
//! arithmetic on three million arguments per function, over all magnitudes:
//!
//! | function | bound | found | at the ends |
//! |---|---|---|---|
//! | [`exp`] | 1 | 0.94 | gradual underflow, infinity above 709.78 |
//! | [`tanh`] | 2.5 | 2.41 | odd, `-0` to `-0`, exactly 1 beyond 19.1 |
//! | [`tanh_slope`] | 6 | 4.98 | at most 1; zero beyond 350, where it is below 1e-303 |
//! | [`sigmoid`] | 2.5 | 2.30 | relative accuracy in the left tail, 1 beyond 37 |
//! | [`sigmoid_slope`] | 6 | 4.74 | at most 1/4; relative accuracy in both tails |
//! | [`softplus`] | 2 | 1.96 | relative accuracy in the left tail |
//!
//! NaN gives NaN, infinities give the limits.

mod exponential;
pub(crate) mod scalar;

use pulp::{Simd, WithSimd};

use super::kernels::dispatch;

/// `y_i = exp(x_i)`.
pub fn exp(x: &[f64], y: &mut [f64]) {
    map(x, y, scalar::exp);
}

/// `y_i = tanh(x_i)`.
pub fn tanh(x: &[f64], y: &mut [f64]) {
    map(x, y, scalar::tanh);
}

/// `d_i = 1 - tanh(x_i)^2`, without cancellation.
pub fn tanh_slope(x: &[f64], d: &mut [f64]) {
    map(x, d, scalar::tanh_slope);
}

/// `y_i = tanh(x_i)` and `d_i = 1 - tanh(x_i)^2` in one pass; same bits as the single functions.
pub fn tanh_and_slope(x: &[f64], y: &mut [f64], d: &mut [f64]) {
    map_pair(x, y, d, scalar::tanh_and_slope);
}

/// `y_i = 1 / (1 + exp(-x_i))`, without overflow at either end.
pub fn sigmoid(x: &[f64], y: &mut [f64]) {
    map(x, y, scalar::sigmoid);
}

/// `d_i = s_i (1 - s_i)` with `s_i = 1 / (1 + exp(-x_i))`, without cancellation.
pub fn sigmoid_slope(x: &[f64], d: &mut [f64]) {
    map(x, d, scalar::sigmoid_slope);
}

/// [`sigmoid`] and [`sigmoid_slope`] in one pass; same bits as the single functions.
pub fn sigmoid_and_slope(x: &[f64], y: &mut [f64], d: &mut [f64]) {
    map_pair(x, y, d, scalar::sigmoid_and_slope);
}

/// `y_i = log(1 + exp(x_i))`, without overflow at either end.
pub fn softplus(x: &[f64], y: &mut [f64]) {
    map(x, y, scalar::softplus);
}

/// [`softplus`] and its slope [`sigmoid`] in one pass; same bits as the single functions.
pub fn softplus_and_slope(x: &[f64], y: &mut [f64], d: &mut [f64]) {
    map_pair(x, y, d, scalar::softplus_and_slope);
}

/// `y_i = f(x_i)`, vectorised if `f` is free of branches.
pub(crate) fn map(x: &[f64], y: &mut [f64], f: impl Fn(f64) -> f64) {
    assert_eq!(x.len(), y.len(), "elementwise function: lengths of argument and result");
    dispatch(Map { x, y, f });
}

/// `(y_i, d_i) = f(x_i)`, vectorised if `f` is free of branches.
pub(crate) fn map_pair(x: &[f64], y: &mut [f64], d: &mut [f64], f: impl Fn(f64) -> (f64, f64)) {
    assert_eq!(
        (y.len(), d.len()),
        (x.len(), x.len()),
        "elementwise function: lengths of the results"
    );
    dispatch(MapPair { x, y, d, f });
}

struct Map<'a, F> {
    x: &'a [f64],
    y: &'a mut [f64],
    f: F,
}

struct MapPair<'a, F> {
    x: &'a [f64],
    y: &'a mut [f64],
    d: &'a mut [f64],
    f: F,
}

// The bodies name no vector type: inlined below `dispatch`, they are compiled once for each
// instruction set.

impl<F: Fn(f64) -> f64> WithSimd for Map<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (y, &x) in self.y.iter_mut().zip(self.x) {
            *y = (self.f)(x);
        }
    }
}

impl<F: Fn(f64) -> (f64, f64)> WithSimd for MapPair<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for ((y, d), &x) in self.y.iter_mut().zip(self.d).zip(self.x) {
            (*y, *d) = (self.f)(x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without any instruction-set extension against the widest of this machine.
    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let functions: [fn(f64) -> f64; 6] = [
            |x| scalar::exp(x),
            |x| scalar::tanh(x),
            |x| scalar::tanh_slope(x),
            |x| scalar::sigmoid(x),
            |x| scalar::sigmoid_slope(x),
            |x| scalar::softplus(x),
        ];
        let x: Vec<f64> = (-4000..4000).map(|i| f64::from(i) * 0.003_7).collect();
        type Function = fn(&[f64], &mut [f64]);
        let vectorised: [Function; 6] = [exp, tanh, tanh_slope, sigmoid, sigmoid_slope, softplus];
        for (f, vectorised) in functions.into_iter().zip(vectorised) {
            let mut y = vec![0.0; x.len()];
            vectorised(&x, &mut y);
            assert!(x.iter().zip(&y).all(|(&x, y)| f(x).to_bits() == y.to_bits()));
        }
    }
}
