//! Exact solutions of a layer loop through the smaller of its two layers.
//!
//! Let `inner` be the smaller block and `outer` the larger one, with deviations `z = x - x(0)` and
//! `f = x'(0)`, decay rates `g` (1/tau_state or leak/tau_controller) and couplings `C` (inner to
//! outer) and `D` (outer to inner):
//!
//! ```text
//! inner' = -g_i inner + D outer / tau_i + f_i
//! outer' = -g_o outer + C inner / tau_o + f_o
//! ```
//!
//! Then `outer = C d / tau_o + w f_o`, where `d` and `w` are `inner` and 1 seen through the outer lag,
//! and `inner` and `d` live in the small space, where they obey one pair of equations per eigenvalue
//! `mu` of `D C`. Their Laplace transforms are rational with the poles `x_1, x_2` (the roots of
//! `tau_i tau_o (x + g_i)(x + g_o) = mu`), 0 and `-g_o`, so with divided differences
//! `E[..]` of `e^(x t)` at the poles and `s = D f_o`:
//!
//! ```text
//! inner = (E[x1,x2] + g_o E[x1,x2,0]) f_i + E[x1,x2,0] s / tau_i
//! d     = E[x1,x2,0] f_i + E[x1,x2,0,-g_o] s / tau_i
//! w     = E[0,-g_o]
//! ```
//!
//! Nothing is singular where poles coincide or where there is no equilibrium.

use nalgebra::{Complex, DMatrix};

use super::basis::{Basis, Mode};
use super::divided::{chain, pair};
use super::error::ExactError;
use crate::dynamics::LayerLoop;
use crate::linalg::gemm::matmul;
use crate::linalg::kernels;

/// A layer loop for some targets, ready for any time.
#[derive(Debug)]
pub(super) struct LayerModes {
    basis: Basis,
    /// The coupling `C` on the basis vectors, divided by `tau_o`.
    lifted: DMatrix<f64>,
    /// Poles of every mode.
    poles: Vec<[Complex<f64>; 4]>,
    inner_is_controller: bool,
    rate_outer: f64,
    /// `f_i` and `s / tau_i` in coordinates, one column per target.
    start: DMatrix<f64>,
    drive: DMatrix<f64>,
    /// `f_o`, one column per target.
    outer: DMatrix<f64>,
}

/// State and controller blocks of one row.
pub(super) type RowBlocks<'r> = (&'r mut [f64], &'r mut [f64]);

/// Buffers that are kept between calls.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    /// Coordinates of `inner` and `d`, times side by side.
    inner: Vec<f64>,
    lagged: Vec<f64>,
    /// The products with the basis vectors.
    inner_part: Vec<f64>,
    outer_part: Vec<f64>,
    /// Per mode the factors of `f_i` in `inner`, of `s` in `inner` and of `f_i` in `d`, of `s` in `d`.
    factors: [Vec<Complex<f64>>; 3],
    real_factors: [Vec<f64>; 3],
}

impl LayerModes {
    /// Modes of `layer` with the derivatives `state` and `controller` at the start, one column per
    /// target; `None` where the eigenvectors are not a safe basis.
    pub(super) fn new(
        layer: &LayerLoop,
        state: DMatrix<f64>,
        controller: DMatrix<f64>,
    ) -> Result<Option<Self>, ExactError> {
        let inner_is_controller = layer.forward.nrows() <= layer.forward.ncols();
        let state_side = (layer.tau_state, 1.0 / layer.tau_state);
        let controller_side = (layer.tau_controller, layer.leak / layer.tau_controller);
        let ((inner, outer), ((tau_i, rate_i), (tau_o, rate_o)), (into, out_of)) =
            if inner_is_controller {
                let couplings = (&layer.forward, &layer.feedback);
                ((controller, state), (controller_side, state_side), couplings)
            } else {
                let couplings = (&layer.feedback, &layer.forward);
                ((state, controller), (state_side, controller_side), couplings)
            };
        let Some(basis) = Basis::of_product(into, out_of)? else { return Ok(None) };
        let poles = |mode: &Mode| {
            let [x1, x2] = roots(rate_i, rate_o, mode.value / (tau_i * tau_o));
            [x1, x2, Complex::new(0.0, 0.0), Complex::new(-rate_o, 0.0)]
        };
        // A loop that starts at zero has an outer block at rest: most do.
        let drive = if outer.iter().all(|f| *f == 0.0) {
            DMatrix::zeros(inner.nrows(), inner.ncols())
        } else {
            basis.coordinates(&(matmul(into, &outer) / tau_i))
        };
        Ok(Some(Self {
            poles: basis.modes.iter().map(poles).collect(),
            lifted: matmul(out_of, &basis.vectors) / tau_o,
            start: basis.coordinates(&inner),
            drive,
            basis,
            inner_is_controller,
            rate_outer: rate_o,
            outer,
        }))
    }

    /// Targets.
    fn columns(&self) -> usize {
        self.start.ncols()
    }

    /// Largest rate, 1/s.
    pub(super) fn radius(&self) -> f64 {
        let poles = self.poles.iter().flatten();
        poles.fold(0.0, |m, x| m.max(x.norm()))
    }

    /// Adds `x(t) - x(0)` to the rows at `times`, each a pair of state and controller blocks.
    pub(super) fn add(&self, times: &[f64], rows: Vec<RowBlocks<'_>>, work: &mut Workspace) {
        let columns = self.columns() * times.len();
        work.inner.resize(self.start.len() * times.len(), 0.0);
        work.lagged.resize(self.start.len() * times.len(), 0.0);
        work.inner_part.resize(self.basis.vectors.nrows() * columns, 0.0);
        work.outer_part.resize(self.outer.nrows() * columns, 0.0);
        self.coordinates(times, work);
        kernels::gemm(&self.basis.vectors, &work.inner, &mut work.inner_part);
        kernels::gemm(&self.lifted, &work.lagged, &mut work.outer_part);
        let inner_size = self.basis.vectors.nrows() * self.columns();
        let parts = work
            .inner_part
            .chunks_exact(inner_size)
            .zip(work.outer_part.chunks_exact(self.outer.len()));
        for ((row, t), (inner, outer)) in rows.into_iter().zip(times).zip(parts) {
            let (state, controller) = row;
            let (row_inner, row_outer) =
                if self.inner_is_controller { (controller, state) } else { (state, controller) };
            row_inner.iter_mut().zip(inner).for_each(|(y, z)| *y += z);
            let w = pair(Complex::new(0.0, 0.0), Complex::new(-self.rate_outer, 0.0), *t).re;
            for ((y, z), f) in row_outer.iter_mut().zip(outer).zip(self.outer.as_slice()) {
                *y += z + w * f;
            }
        }
    }

    fn coordinates(&self, times: &[f64], work: &mut Workspace) {
        let (k, size) = (self.start.nrows(), self.start.len());
        let all_real = self.basis.modes.iter().all(|mode| mode.width == 1);
        let Workspace { inner, lagged, factors, real_factors, .. } = work;
        let blocks = inner.chunks_exact_mut(size).zip(lagged.chunks_exact_mut(size));
        for (t, (inner, lagged)) in times.iter().zip(blocks) {
            self.factors(*t, factors, real_factors);
            let starts = self.start.as_slice().chunks_exact(k);
            let drives = self.drive.as_slice().chunks_exact(k);
            let outputs = inner.chunks_exact_mut(k).zip(lagged.chunks_exact_mut(k));
            for ((p, s), (inner, lagged)) in starts.zip(drives).zip(outputs) {
                if all_real {
                    let [own, shared, last] = &*real_factors;
                    weigh((own, p), (shared, s), inner);
                    weigh((shared, p), (last, s), lagged);
                    continue;
                }
                for (m, mode) in self.basis.modes.iter().enumerate() {
                    let [own, shared, last] = [factors[0][m], factors[1][m], factors[2][m]];
                    combine(mode, (own, p), (shared, s), inner);
                    combine(mode, (shared, p), (last, s), lagged);
                }
            }
        }
    }

    fn factors(&self, t: f64, factors: &mut [Vec<Complex<f64>>; 3], real: &mut [Vec<f64>; 3]) {
        factors.iter_mut().for_each(Vec::clear);
        real.iter_mut().for_each(Vec::clear);
        for poles in &self.poles {
            let [two, three, four] = chain(*poles, t);
            let values = [two + three * self.rate_outer, three, four];
            for ((factor, real), value) in factors.iter_mut().zip(real.iter_mut()).zip(values) {
                factor.push(value);
                real.push(value.re);
            }
        }
    }
}

/// `out = a * x + b * y`, entry by entry.
#[inline]
fn weigh((a, x): (&[f64], &[f64]), (b, y): (&[f64], &[f64]), out: &mut [f64]) {
    for ((((out, a), x), b), y) in out.iter_mut().zip(a).zip(x).zip(b).zip(y) {
        *out = a * x + b * y;
    }
}

/// Writes the coordinates of one mode of `a(J) x + b(J) y`: a pair of coordinates `(xi, eta)` stands
/// for the complex number `xi - i eta`.
#[inline]
fn combine(
    mode: &Mode,
    (a, x): (Complex<f64>, &[f64]),
    (b, y): (Complex<f64>, &[f64]),
    out: &mut [f64],
) {
    let i = mode.at;
    if mode.width == 1 {
        out[i] = a.re * x[i] + b.re * y[i];
    } else {
        out[i] = a.re * x[i] + a.im * x[i + 1] + b.re * y[i] + b.im * y[i + 1];
        out[i + 1] = a.re * x[i + 1] - a.im * x[i] + b.re * y[i + 1] - b.im * y[i];
    }
}

/// The roots of `(x + a)(x + b) = m`, the smaller one without cancellation.
fn roots(a: f64, b: f64, m: Complex<f64>) -> [Complex<f64>; 2] {
    let half = 0.5 * (a + b);
    // ((a + b) / 2)^2 - a b + m = ((a - b) / 2)^2 + m.
    let difference = 0.5 * (a - b);
    let square = m + difference * difference;
    let root = if square.im == 0.0 && square.re >= 0.0 {
        Complex::new(square.re.sqrt(), 0.0)
    } else {
        square.sqrt()
    };
    let far = if half * root.re >= 0.0 { -root - half } else { root - half };
    let product = Complex::new(a * b, 0.0) - m;
    let near = if far.norm() == 0.0 { far } else { product / far };
    [far, near]
}
