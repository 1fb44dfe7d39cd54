//! Matrix-vector products in one pass over a column-major matrix.
//!
//! All three products are the same sweep: a block of `N` columns is read once, from the top down, and
//! each vector of rows feeds `N` dot products with `u` (the entries of `W^T u`), an update of `W x`,
//! or both. Reading several columns side by side loads `u` and `W x` once per block rather than once
//! per column, and gives the processor independent sums to overlap.

use nalgebra::DMatrix;
use pulp::{Simd, WithSimd};

use super::dispatch;

/// Columns per block. Four dot products, four multipliers, `u`, `W x` and one column at a time fit the
/// sixteen registers of AVX2, and four independent sums hide the latency of fused multiply-add;
/// eight spill and are half as fast.
const BLOCK: usize = 4;
/// The most `f64` lanes in a vector register (AVX-512).
const MAX_LANES: usize = 8;

/// `y = W x`.
///
/// Lengths: `x` has `ncols`, `y` has `nrows`.
pub fn gemv(w: &DMatrix<f64>, x: &[f64], y: &mut [f64]) {
    assert_eq!((y.len(), x.len()), w.shape(), "y = W x: lengths of y and x against the shape of W");
    dispatch(Forward { w: w.as_slice(), x, y });
}

/// `y = W^T x`.
///
/// Lengths: `x` has `nrows`, `y` has `ncols`.
pub fn gemv_transposed(w: &DMatrix<f64>, x: &[f64], y: &mut [f64]) {
    assert_eq!(
        (x.len(), y.len()),
        w.shape(),
        "y = W^T x: lengths of x and y against the shape of W"
    );
    dispatch(Transposed { w: w.as_slice(), u: x, y });
}

/// `W x` and `W^T u` in one pass over `W`, in place.
///
/// On entry `x` holds the vector multiplied by `W`; on return it holds `W^T u`, and `wx` holds
/// `W x`. Lengths: `x` has `ncols`, `u` and `wx` have `nrows`.
pub fn product_pair(w: &DMatrix<f64>, u: &[f64], x: &mut [f64], wx: &mut [f64]) {
    assert_eq!(
        (u.len(), x.len()),
        w.shape(),
        "W x and W^T u: lengths of u and x against the shape of W"
    );
    assert_eq!(wx.len(), w.nrows(), "W x and W^T u: length of W x against the rows of W");
    dispatch(Pair { w: w.as_slice(), u, x, wx });
}

pub(super) struct Forward<'a> {
    pub(super) w: &'a [f64],
    pub(super) x: &'a [f64],
    pub(super) y: &'a mut [f64],
}

pub(super) struct Transposed<'a> {
    pub(super) w: &'a [f64],
    pub(super) u: &'a [f64],
    pub(super) y: &'a mut [f64],
}

pub(super) struct Pair<'a> {
    pub(super) w: &'a [f64],
    pub(super) u: &'a [f64],
    pub(super) x: &'a mut [f64],
    pub(super) wx: &'a mut [f64],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let nrows = self.y.len();
        self.y.fill(0.0);
        if nrows < S::F64_LANES {
            let columns = self.w.chunks_exact(nrows.max(1)).zip(self.x);
            return columns.for_each(|(w, &x)| add_scaled(w, x, self.y));
        }
        let mut rows = Rows::<S>::new(simd, nrows, &[], self.y);
        let mut blocks = self.w.chunks_exact(BLOCK * nrows);
        let mut xs = self.x.chunks_exact(BLOCK);
        for (block, x) in blocks.by_ref().zip(xs.by_ref()) {
            rows.sweep::<BLOCK, false, true>(block, as_array(x));
        }
        for (column, &x) in blocks.remainder().chunks_exact(nrows).zip(xs.remainder()) {
            rows.sweep::<1, false, true>(column, [x]);
        }
        rows.finish();
    }
}

impl WithSimd for Transposed<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let nrows = self.u.len();
        if nrows < S::F64_LANES {
            self.y.fill(0.0);
            let columns = self.w.chunks_exact(nrows.max(1)).zip(self.y);
            return columns.for_each(|(w, y)| *y = short_dot(w, self.u));
        }
        let mut rows = Rows::<S>::new(simd, nrows, self.u, &mut []);
        let mut blocks = self.w.chunks_exact(BLOCK * nrows);
        let mut ys = self.y.chunks_exact_mut(BLOCK);
        for (block, y) in blocks.by_ref().zip(ys.by_ref()) {
            y.copy_from_slice(&rows.sweep::<BLOCK, true, false>(block, [0.0; BLOCK]));
        }
        for (column, y) in blocks.remainder().chunks_exact(nrows).zip(ys.into_remainder()) {
            [*y] = rows.sweep::<1, true, false>(column, [0.0]);
        }
    }
}

impl WithSimd for Pair<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let nrows = self.u.len();
        self.wx.fill(0.0);
        if nrows == 0 {
            return self.x.fill(0.0);
        }
        if nrows < S::F64_LANES {
            for (w, x) in self.w.chunks_exact(nrows).zip(self.x) {
                add_scaled(w, *x, self.wx);
                *x = short_dot(w, self.u);
            }
            return;
        }
        let mut rows = Rows::<S>::new(simd, nrows, self.u, self.wx);
        let mut blocks = self.w.chunks_exact(BLOCK * nrows);
        let mut xs = self.x.chunks_exact_mut(BLOCK);
        for (block, x) in blocks.by_ref().zip(xs.by_ref()) {
            let dots = rows.sweep::<BLOCK, true, true>(block, as_array(x));
            x.copy_from_slice(&dots);
        }
        for (column, x) in blocks.remainder().chunks_exact(nrows).zip(xs.into_remainder()) {
            [*x] = rows.sweep::<1, true, true>(column, [*x]);
        }
        rows.finish();
    }
}

/// `y += x w` for a column shorter than a vector register.
#[inline(always)]
fn add_scaled(w: &[f64], x: f64, y: &mut [f64]) {
    y.iter_mut().zip(w).for_each(|(y, w)| *y += w * x);
}

/// `w . u` for a column shorter than a vector register.
#[inline(always)]
fn short_dot(w: &[f64], u: &[f64]) -> f64 {
    w.iter().zip(u).fold(0.0, |sum, (w, u)| sum + w * u)
}

#[inline(always)]
fn as_array<const N: usize>(x: &[f64]) -> [f64; N] {
    x.try_into().expect("chunks_exact gives chunks of this length")
}

/// The row side of a sweep: `u`, and the `W x` being summed, split into whole vectors and a tail.
///
/// The tail is the last `nrows % lanes` rows. Columns are read there by the vector that ends at the
/// last row; its leading lanes repeat rows of the body, so `u_tail` is zero in them, and the sum in
/// `y_tail` is kept apart until the end, when only its trailing lanes are stored.
struct Rows<'a, S: Simd> {
    simd: S,
    nrows: usize,
    u: &'a [S::f64s],
    y: &'a mut [S::f64s],
    u_tail: S::f64s,
    y_tail: S::f64s,
    y_rest: &'a mut [f64],
}

impl<'a, S: Simd> Rows<'a, S> {
    /// `u` or `y` is empty when the sweep does not use it.
    #[inline(always)]
    fn new(simd: S, nrows: usize, u: &'a [f64], y: &'a mut [f64]) -> Self {
        let (u, u_rest) = S::as_simd_f64s(u);
        let (y, y_rest) = S::as_mut_simd_f64s(y);
        let zero = simd.splat_f64s(0.0);
        let mut u_tail = zero;
        if !u_rest.is_empty() {
            let mut padded = [0.0; MAX_LANES];
            padded[S::F64_LANES - u_rest.len()..S::F64_LANES].copy_from_slice(u_rest);
            u_tail = first_vector::<S>(&padded);
        }
        Self { simd, nrows, u, y, u_tail, y_tail: zero, y_rest }
    }

    /// Reads `N` columns once; returns their dot products with `u` if `DOT`, and adds the columns
    /// times `x` to `y` if `AXPY`.
    #[inline(always)]
    fn sweep<const N: usize, const DOT: bool, const AXPY: bool>(
        &mut self,
        block: &[f64],
        x: [f64; N],
    ) -> [f64; N] {
        let Self { simd, nrows, .. } = *self;
        let count = nrows / S::F64_LANES;
        let columns: [&[f64]; N] = std::array::from_fn(|c| &block[c * nrows..(c + 1) * nrows]);
        let vectors: [&[S::f64s]; N] = columns.map(|w| &S::as_simd_f64s(w).0[..count]);
        let xs = x.map(|x| simd.splat_f64s(x));
        let mut dots = [simd.splat_f64s(0.0); N];
        let zero = simd.splat_f64s(0.0);
        let us = if DOT { &self.u[..count] } else { &[] };
        let ys = if AXPY { &mut self.y[..count] } else { &mut [] };
        for i in 0..count {
            let u = if DOT { us[i] } else { zero };
            let mut y = if AXPY { ys[i] } else { zero };
            for c in 0..N {
                let w = vectors[c][i];
                if DOT {
                    dots[c] = simd.mul_add_e_f64s(w, u, dots[c]);
                }
                if AXPY {
                    y = simd.mul_add_e_f64s(w, xs[c], y);
                }
            }
            if AXPY {
                ys[i] = y;
            }
        }
        if nrows % S::F64_LANES != 0 {
            for c in 0..N {
                let w = first_vector::<S>(&columns[c][nrows - S::F64_LANES..]);
                if DOT {
                    dots[c] = simd.mul_add_e_f64s(w, self.u_tail, dots[c]);
                }
                if AXPY {
                    self.y_tail = simd.mul_add_e_f64s(w, xs[c], self.y_tail);
                }
            }
        }
        dots.map(|dot| if DOT { simd.reduce_sum_f64s(dot) } else { 0.0 })
    }

    /// Stores the tail of `y`.
    #[inline(always)]
    fn finish(self) {
        if self.y_rest.is_empty() {
            return;
        }
        let mut sums = [0.0; MAX_LANES];
        S::as_mut_simd_f64s(&mut sums).0[0] = self.y_tail;
        self.y_rest.copy_from_slice(&sums[S::F64_LANES - self.y_rest.len()..S::F64_LANES]);
    }
}

#[inline(always)]
fn first_vector<S: Simd>(values: &[f64]) -> S::f64s {
    S::as_simd_f64s(values).0[0]
}
