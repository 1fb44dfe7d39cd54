//! One-pass kernels of the ODE steppers: stage sums and weighted error norms.

use pulp::{Simd, WithSimd};

use super::dispatch;

/// The most stages a sum may have.
pub const MAX_STAGES: usize = 16;

/// Vectors summed side by side, so that one coefficient serves several of them.
const BLOCK: usize = 4;

/// `out = y + h sum_j a_j k_j`, in one pass over memory.
///
/// `stages` holds `k_0, k_1, ...` one after the other, each as long as `y`; there may be more of
/// them than coefficients. Stages with a zero coefficient are not read. The increment is summed
/// first and added to `y` last, so its rounding errors are relative to the increment.
///
/// # Panics
///
/// If there are more than [`MAX_STAGES`] coefficients, or lengths do not fit.
pub fn linear_combination(
    y: &[f64],
    h: f64,
    coefficients: &[f64],
    stages: &[f64],
    out: &mut [f64],
) {
    assert_eq!(y.len(), out.len(), "y + h sum a k: length of the result");
    let terms = Terms::new(h, coefficients, stages, y.len());
    dispatch(Combination { y: Some(y), terms: &terms, out });
}

/// `out = h sum_j a_j k_j`, in one pass over memory: embedded error estimates.
///
/// As [`linear_combination`], without `y`.
///
/// # Panics
///
/// If there are more than [`MAX_STAGES`] coefficients, or lengths do not fit.
pub fn weighted_sum(h: f64, coefficients: &[f64], stages: &[f64], out: &mut [f64]) {
    let terms = Terms::new(h, coefficients, stages, out.len());
    dispatch(Combination { y: None, terms: &terms, out });
}

/// `sum_i (e_i / (atol + rtol max(|y0_i|, |y1_i|)))^2`, in one pass over memory.
///
/// A NaN or an infinity in `y0` or `y1`, or a NaN in `e`, makes the result NaN, and an infinite `e`
/// makes it infinite, so that no broken step passes an error test. A component with `e_i = 0`
/// contributes nothing even where the scale is zero. Add the results for blocks of components that
/// have tolerances of their own.
#[must_use]
pub fn weighted_square_sum(e: &[f64], y0: &[f64], y1: &[f64], atol: f64, rtol: f64) -> f64 {
    assert_eq!((y0.len(), y1.len()), (e.len(), e.len()), "error norm: lengths of y0 and y1");
    dispatch(SquareSum { e, y0, y1, atol, rtol })
}

/// The stages with nonzero coefficients.
pub(super) struct Terms<'a> {
    pub(super) coefficients: [f64; MAX_STAGES],
    pub(super) stages: [&'a [f64]; MAX_STAGES],
    pub(super) count: usize,
}

impl<'a> Terms<'a> {
    pub(super) fn new(h: f64, coefficients: &[f64], stages: &'a [f64], dim: usize) -> Self {
        assert!(coefficients.len() <= MAX_STAGES, "at most {MAX_STAGES} stages");
        assert!(stages.len() >= coefficients.len() * dim, "fewer stages than coefficients");
        let mut terms =
            Self { coefficients: [0.0; MAX_STAGES], stages: [&[]; MAX_STAGES], count: 0 };
        for (j, &a) in coefficients.iter().enumerate() {
            if a != 0.0 {
                terms.coefficients[terms.count] = h * a;
                terms.stages[terms.count] = &stages[j * dim..(j + 1) * dim];
                terms.count += 1;
            }
        }
        terms
    }
}

pub(super) struct Combination<'a> {
    pub(super) y: Option<&'a [f64]>,
    pub(super) terms: &'a Terms<'a>,
    pub(super) out: &'a mut [f64],
}

impl WithSimd for Combination<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (dim, lanes) = (self.out.len(), S::F64_LANES);
        let mut start = 0;
        while start + BLOCK * lanes <= dim {
            self.vectors::<S, BLOCK>(simd, start);
            start += BLOCK * lanes;
        }
        while start + lanes <= dim {
            self.vectors::<S, 1>(simd, start);
            start += lanes;
        }
        if start < dim && dim >= lanes {
            // The vector that ends at the last entry; what it repeats comes out the same.
            self.vectors::<S, 1>(simd, dim - lanes);
        } else if start < dim {
            self.short(simd);
        }
    }
}

impl Combination<'_> {
    /// The result in `N` vectors from `start` on.
    #[inline(always)]
    fn vectors<S: Simd, const N: usize>(&mut self, simd: S, start: usize) {
        let range = start..start + N * S::F64_LANES;
        let terms = self.terms;
        let mut sums = [simd.splat_f64s(0.0); N];
        for (&a, stage) in terms.coefficients[..terms.count].iter().zip(&terms.stages) {
            let a = simd.splat_f64s(a);
            let k = S::as_simd_f64s(&stage[range.clone()]).0;
            for (sum, k) in sums.iter_mut().zip(k) {
                *sum = simd.mul_add_e_f64s(a, *k, *sum);
            }
        }
        if let Some(y) = self.y {
            let y = S::as_simd_f64s(&y[range.clone()]).0;
            for (sum, y) in sums.iter_mut().zip(y) {
                *sum = simd.add_f64s(*y, *sum);
            }
        }
        S::as_mut_simd_f64s(&mut self.out[range]).0.copy_from_slice(&sums);
    }

    /// The result for states shorter than a vector.
    #[inline(always)]
    fn short<S: Simd>(&mut self, simd: S) {
        let terms = self.terms;
        let mut sum = simd.splat_f64s(0.0);
        for (&a, stage) in terms.coefficients[..terms.count].iter().zip(&terms.stages) {
            let k = simd.partial_load_f64s(stage);
            sum = simd.mul_add_e_f64s(simd.splat_f64s(a), k, sum);
        }
        if let Some(y) = self.y {
            sum = simd.add_f64s(simd.partial_load_f64s(y), sum);
        }
        simd.partial_store_f64s(self.out, sum);
    }
}

pub(super) struct SquareSum<'a> {
    pub(super) e: &'a [f64],
    pub(super) y0: &'a [f64],
    pub(super) y1: &'a [f64],
    pub(super) atol: f64,
    pub(super) rtol: f64,
}

impl WithSimd for SquareSum<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let (atol, rtol) = (simd.splat_f64s(self.atol), simd.splat_f64s(self.rtol));
        let (e, e_rest) = S::as_simd_f64s(self.e);
        let (y0, y0_rest) = S::as_simd_f64s(self.y0);
        let (y1, y1_rest) = S::as_simd_f64s(self.y1);
        let mut sum = simd.splat_f64s(0.0);
        for ((&e, &y0), &y1) in e.iter().zip(y0).zip(y1) {
            let r = error_ratio(simd, e, y0, y1, atol, rtol);
            sum = simd.mul_add_e_f64s(r, r, sum);
        }
        if !e_rest.is_empty() {
            let e = simd.partial_load_f64s(e_rest);
            let y0 = simd.partial_load_f64s(y0_rest);
            let y1 = simd.partial_load_f64s(y1_rest);
            let r = error_ratio(simd, e, y0, y1, atol, rtol);
            sum = simd.mul_add_e_f64s(r, r, sum);
        }
        simd.reduce_sum_f64s(sum)
    }
}

/// `e / (atol + rtol max(|y0|, |y1|))`, 0 where `e = 0`, NaN where a state is not finite.
#[inline(always)]
fn error_ratio<S: Simd>(
    simd: S,
    e: S::f64s,
    y0: S::f64s,
    y1: S::f64s,
    atol: S::f64s,
    rtol: S::f64s,
) -> S::f64s {
    let zero = simd.splat_f64s(0.0);
    // 0 for finite states and NaN otherwise: the maximum alone may drop a NaN.
    let poison = simd.mul_add_e_f64s(y1, zero, simd.mul_f64s(y0, zero));
    let size = simd.max_f64s(simd.abs_f64s(y0), simd.abs_f64s(y1));
    let scale = simd.mul_add_e_f64s(rtol, size, simd.add_f64s(atol, poison));
    simd.select_f64s(simd.equal_f64s(e, zero), poison, simd.div_f64s(e, scale))
}
