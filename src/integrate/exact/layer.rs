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
//!
//! Modes are ordered by their rates of decay, slow ones first. Once the exponentials of a mode have
//! vanished in rounding its part of the state is constant: it is added up once and left out of the
//! products from then on, which late in a run are much smaller than at its start.

use std::ops::Range;

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
    modes: Vec<LoopMode>,
    /// Eigenvectors of `D C`, one basis vector per column.
    vectors: DMatrix<f64>,
    /// The coupling `C` on the basis vectors, divided by `tau_o`.
    lifted: DMatrix<f64>,
    inner_is_controller: bool,
    rate_outer: f64,
    /// `f_i` and `s / tau_i` in coordinates, one column per target.
    start: DMatrix<f64>,
    drive: DMatrix<f64>,
    /// `f_o`, one column per target.
    outer: DMatrix<f64>,
}

/// A mode of `D C` with its poles; `mode.at` counts coordinates in the order of decay.
#[derive(Debug)]
struct LoopMode {
    mode: Mode,
    poles: [Complex<f64>; 4],
    /// Largest real part of the poles but 0, 1/s; infinite where 0 is a double pole.
    slowest: f64,
}

/// Modes whose part of the state no longer changes, with that part.
#[derive(Debug, Default)]
pub(super) struct Settled {
    modes: usize,
    inner: Vec<f64>,
    outer: Vec<f64>,
}

/// `x t` below which `e^(x t)` is nothing: 3e-20, four digits beyond rounding.
const VANISHED: f64 = -45.0;

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
        let start = basis.coordinates(&inner);
        let (modes, places) = by_decay(basis.modes.iter().map(|mode| (*mode, poles(mode))));
        let vectors = basis.vectors.select_columns(&places);
        Ok(Some(Self {
            lifted: matmul(out_of, &vectors) / tau_o,
            start: start.select_rows(&places),
            drive: drive.select_rows(&places),
            modes,
            vectors,
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
        let poles = self.modes.iter().flat_map(|mode| mode.poles);
        poles.fold(0.0, |m, x| m.max(x.norm()))
    }

    /// Adds `x(t) - x(0)` to the rows at `times`, each a pair of state and controller blocks.
    pub(super) fn add(
        &self,
        times: &[f64],
        rows: Vec<RowBlocks<'_>>,
        (settled, work): (&mut Settled, &mut Workspace),
    ) {
        let earliest = times.iter().copied().fold(f64::INFINITY, f64::min);
        self.settle(earliest, settled, work);
        self.products(times, 0..self.modes.len() - settled.modes, work);
        let (inner_size, outer_size) = (settled.inner.len(), settled.outer.len());
        let parts =
            work.inner_part.chunks_exact(inner_size).zip(work.outer_part.chunks_exact(outer_size));
        for ((row, t), (inner, outer)) in rows.into_iter().zip(times).zip(parts) {
            let (state, controller) = row;
            let (row_inner, row_outer) =
                if self.inner_is_controller { (controller, state) } else { (state, controller) };
            for ((y, z), rest) in row_inner.iter_mut().zip(inner).zip(&settled.inner) {
                *y += z + rest;
            }
            let w = pair(Complex::new(0.0, 0.0), Complex::new(-self.rate_outer, 0.0), *t).re;
            let constant = settled.outer.iter().zip(self.outer.as_slice());
            for ((y, z), (rest, f)) in row_outer.iter_mut().zip(outer).zip(constant) {
                *y += z + rest + w * f;
            }
        }
    }

    /// Brings what has settled up to date for times from `t` on.
    fn settle(&self, t: f64, settled: &mut Settled, work: &mut Workspace) {
        let moving = self.modes.iter().position(|mode| mode.slowest * t < VANISHED);
        // Before the start nothing vanishes.
        let count = moving.filter(|_| t > 0.0).map_or(0, |first| self.modes.len() - first);
        if settled.inner.is_empty() || count < settled.modes {
            settled.modes = 0;
            settled.inner = vec![0.0; self.vectors.nrows() * self.columns()];
            settled.outer = vec![0.0; self.outer.len()];
        }
        if count == settled.modes {
            return;
        }
        let total = self.modes.len();
        self.products(&[t], total - count..total - settled.modes, work);
        settled.inner.iter_mut().zip(&work.inner_part).for_each(|(sum, part)| *sum += part);
        settled.outer.iter_mut().zip(&work.outer_part).for_each(|(sum, part)| *sum += part);
        settled.modes = count;
    }

    /// Writes what some modes contribute to the inner and the outer block at every time.
    fn products(&self, times: &[f64], modes: Range<usize>, work: &mut Workspace) {
        let columns = self.columns() * times.len();
        let places = self.place(modes.start)..self.place(modes.end);
        work.inner.resize(places.len() * columns, 0.0);
        work.lagged.resize(places.len() * columns, 0.0);
        work.inner_part.resize(self.vectors.nrows() * columns, 0.0);
        work.outer_part.resize(self.lifted.nrows() * columns, 0.0);
        self.coordinates(times, modes, places.clone(), work);
        kernels::gemm_columns(&self.vectors, places.clone(), &work.inner, &mut work.inner_part);
        kernels::gemm_columns(&self.lifted, places, &work.lagged, &mut work.outer_part);
    }

    /// First coordinate of mode `index`, or the number of coordinates.
    fn place(&self, index: usize) -> usize {
        self.modes.get(index).map_or(self.start.nrows(), |mode| mode.mode.at)
    }

    fn coordinates(
        &self,
        times: &[f64],
        modes: Range<usize>,
        places: Range<usize>,
        work: &mut Workspace,
    ) {
        if places.is_empty() {
            return;
        }
        let (k, size) = (self.start.nrows(), places.len() * self.columns());
        let modes = &self.modes[modes];
        let all_real = modes.iter().all(|mode| mode.mode.width == 1);
        let Workspace { inner, lagged, factors, real_factors, .. } = work;
        let blocks = inner.chunks_exact_mut(size).zip(lagged.chunks_exact_mut(size));
        for (t, (inner, lagged)) in times.iter().zip(blocks) {
            self.factors(modes, *t, factors, real_factors);
            let starts = self.start.as_slice().chunks_exact(k).map(|p| &p[places.clone()]);
            let drives = self.drive.as_slice().chunks_exact(k).map(|s| &s[places.clone()]);
            let outputs =
                inner.chunks_exact_mut(places.len()).zip(lagged.chunks_exact_mut(places.len()));
            for ((p, s), (inner, lagged)) in starts.zip(drives).zip(outputs) {
                if all_real {
                    let [own, shared, last] = &*real_factors;
                    weigh((own, p), (shared, s), inner);
                    weigh((shared, p), (last, s), lagged);
                    continue;
                }
                for (m, LoopMode { mode, .. }) in modes.iter().enumerate() {
                    let mode = Mode { at: mode.at - places.start, ..*mode };
                    let [own, shared, last] = [factors[0][m], factors[1][m], factors[2][m]];
                    combine(&mode, (own, p), (shared, s), inner);
                    combine(&mode, (shared, p), (last, s), lagged);
                }
            }
        }
    }

    fn factors(
        &self,
        modes: &[LoopMode],
        t: f64,
        factors: &mut [Vec<Complex<f64>>; 3],
        real: &mut [Vec<f64>; 3],
    ) {
        factors.iter_mut().for_each(Vec::clear);
        real.iter_mut().for_each(Vec::clear);
        for mode in modes {
            let [two, three, four] = chain(mode.poles, t);
            let values = [two + three * self.rate_outer, three, four];
            for ((factor, real), value) in factors.iter_mut().zip(real.iter_mut()).zip(values) {
                factor.push(value);
                real.push(value.re);
            }
        }
    }
}

/// Modes with their poles, slow ones first, and the old coordinates in the new order.
fn by_decay(modes: impl Iterator<Item = (Mode, [Complex<f64>; 4])>) -> (Vec<LoopMode>, Vec<usize>) {
    let rate = |poles: &[Complex<f64>; 4]| {
        let [x1, x2, _, outer] = poles.map(|x| x.re);
        if outer == 0.0 { f64::INFINITY } else { x1.max(x2).max(outer) }
    };
    let mut modes: Vec<_> =
        modes.map(|(mode, poles)| LoopMode { mode, poles, slowest: rate(&poles) }).collect();
    modes.sort_by(|a, b| b.slowest.total_cmp(&a.slowest));
    let mut places = Vec::new();
    for LoopMode { mode, .. } in &mut modes {
        let old = mode.at..mode.at + mode.width;
        mode.at = places.len();
        places.extend(old);
    }
    (modes, places)
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
