//! Pseudospectra: `sigma_min(z I - J)` over the complex plane.
//!
//! After one Hessenberg form every point costs `O(n^2)` operations: a factorisation and the largest
//! eigenvalue of `(z - H)^{-1} (z - H)^{-H}` by Lanczos' iteration with full reorthogonalisation
//! (Trefethen & Embree, Spectra and Pseudospectra, 2005, chapter 39, who use a Schur form; a
//! Hessenberg form needs no iteration that could fail).

use std::ops::Range;

use nalgebra::{Complex, DMatrix, DVector};
use rayon::prelude::*;

use super::compress::Compressed;
use crate::analysis::error::AnalysisError;
use crate::linalg::hessenberg::{BalancedHessenberg, hessenberg, unit_ratio};
use crate::linalg::symmetric::symmetric_eigenvalues;

/// Lanczos steps; a handful suffices next to eigenvalues, where the largest value stands out.
const MAX_STEPS: usize = 60;
/// Relative change of the result between two steps that ends the iteration.
const CONVERGED: f64 = 1e-13;

/// `sigma_min(z I - J)` on a rectangular grid.
#[derive(Debug, Clone, PartialEq)]
pub struct PseudospectrumGrid {
    /// Real parts, ascending, 1/s.
    pub re: Vec<f64>,
    /// Imaginary parts, ascending, 1/s.
    pub im: Vec<f64>,
    /// `sigma_min`, one row per imaginary part, one column per real part.
    pub sigma_min: DMatrix<f64>,
}

/// Computes the grid with `points` points along each axis; rows are shared between threads and do
/// not depend on their number.
///
/// # Errors
/// Entries that are not finite, a matrix that is not square.
pub fn pseudospectrum(
    jacobian: &Compressed,
    re: Range<f64>,
    im: Range<f64>,
    points: usize,
) -> Result<PseudospectrumGrid, AnalysisError> {
    let axis = |range: &Range<f64>| -> Vec<f64> {
        let step = |k: usize| k as f64 / (points.max(2) - 1) as f64;
        (0..points).map(|k| range.start + (range.end - range.start) * step(k)).collect()
    };
    let (re, im) = (axis(&re), axis(&im));
    let resolvent = ResolventNorm::new(&jacobian.matrix)?;
    let distance = |z: Complex<f64>| {
        let part = resolvent.norm(z).recip();
        jacobian.rest.map_or(part, |rest| part.min((z - rest).norm()))
    };
    let rows: Vec<Vec<f64>> = im
        .par_iter()
        .map(|&y| re.iter().map(|&x| distance(Complex::new(x, y))).collect())
        .collect();
    let sigma_min = DMatrix::from_fn(im.len(), re.len(), |i, j| rows[i][j]);
    Ok(PseudospectrumGrid { re, im, sigma_min })
}

/// Units of states that differ by more than this are taken out before the Hessenberg form, in which
/// rounding errors of the largest entries would reach the smallest ones.
const DIFFERENT_UNITS: f64 = 1e6;

/// The norm of the resolvent `(z I - J)^{-1}` from one Hessenberg form.
pub(super) struct ResolventNorm {
    h: DMatrix<f64>,
    frame: Option<Frame>,
}

/// `J = D Q H Q^T D^{-1}`, where the states are in very different units.
struct Frame {
    q: DMatrix<Complex<f64>>,
    units: Vec<f64>,
}

impl Frame {
    /// `b <- D F(D^{-1} b)` with `F = Q f Q^T`, or with `D^{-1}` in the place of `D`.
    fn inside(
        &self,
        b: &mut DVector<Complex<f64>>,
        inverse: bool,
        f: impl Fn(&mut DVector<Complex<f64>>),
    ) {
        let scale = |b: &mut DVector<Complex<f64>>, up: bool| {
            for (x, unit) in b.iter_mut().zip(&self.units) {
                *x = if up { *x * *unit } else { *x / *unit };
            }
        };
        scale(b, inverse);
        let mut inner = self.q.tr_mul(b);
        f(&mut inner);
        *b = &self.q * inner;
        scale(b, !inverse);
    }
}

impl ResolventNorm {
    pub(super) fn new(j: &DMatrix<f64>) -> Result<Self, AnalysisError> {
        let failed = || AnalysisError::linalg("the norm of the resolvent");
        if unit_ratio(j) <= DIFFERENT_UNITS {
            return Ok(Self { h: hessenberg(j).map_err(failed())?, frame: None });
        }
        let BalancedHessenberg { h, q, units } = BalancedHessenberg::new(j).map_err(failed())?;
        let q = q.map(|x| Complex::new(x, 0.0));
        Ok(Self { h, frame: Some(Frame { q, units }) })
    }

    /// `b <- R R^H b` with the resolvent `R`.
    fn apply(&self, factors: &HessenbergLu, b: &mut DVector<Complex<f64>>) {
        match &self.frame {
            None => {
                factors.solve_adjoint(b);
                factors.solve(b);
            }
            Some(frame) => {
                frame.inside(b, true, |b| factors.solve_adjoint(b));
                frame.inside(b, false, |b| factors.solve(b));
            }
        }
    }

    /// `|(z I - J)^{-1}|_2`; infinite at an eigenvalue.
    pub(super) fn norm(&self, z: Complex<f64>) -> f64 {
        let n = self.h.nrows();
        if n == 0 {
            return 0.0;
        }
        let Some(factors) = HessenbergLu::new(&self.h, z) else { return f64::INFINITY };
        // A fixed start that is not orthogonal to anything in particular.
        let start = DVector::from_fn(n, |i, _| {
            let (a, b) = (0.618_033_988_75 * (i + 1) as f64, 0.4 * i as f64);
            Complex::new(a.fract() + 0.1, b.fract())
        });
        let mut basis = vec![start.unscale(start.norm())];
        let (mut diagonal, mut off) = (Vec::new(), Vec::<f64>::new());
        let mut last = 0.0;
        for step in 0..MAX_STEPS.min(n) {
            let mut w = basis[step].clone();
            self.apply(&factors, &mut w);
            diagonal.push(basis[step].dotc(&w).re);
            for _ in 0..2 {
                for q in &basis {
                    let c = q.dotc(&w);
                    w -= q * c;
                }
            }
            let value = largest_tridiagonal(&diagonal, &off);
            if !value.is_finite() {
                return f64::INFINITY;
            }
            let rest = w.norm();
            let is_last = (value - last).abs() <= CONVERGED * value || rest <= f64::EPSILON * value;
            last = value;
            if is_last {
                break;
            }
            off.push(rest);
            basis.push(w.unscale(rest));
        }
        last.max(0.0).sqrt()
    }
}

/// LU factors of `z I - H` with exchanges of adjacent rows.
struct HessenbergLu {
    /// Upper triangle, row after row.
    rows: Vec<Vec<Complex<f64>>>,
    /// Multiplier of every elimination and whether rows were exchanged before it.
    steps: Vec<(Complex<f64>, bool)>,
}

impl HessenbergLu {
    /// `None` when a pivot is exactly zero: `z` is an eigenvalue.
    fn new(h: &DMatrix<f64>, z: Complex<f64>) -> Option<Self> {
        let n = h.nrows();
        let entry = |i: usize, j: usize| {
            let value = Complex::new(-h[(i, j)], 0.0);
            if i == j { z + value } else { value }
        };
        let mut rows: Vec<Vec<Complex<f64>>> = Vec::with_capacity(n);
        let mut steps = Vec::with_capacity(n.saturating_sub(1));
        // `current[j - k]` is the row that pivot k is taken from.
        let mut current: Vec<Complex<f64>> = (0..n).map(|j| entry(0, j)).collect();
        for k in 0..n - 1 {
            let mut next: Vec<Complex<f64>> = (k..n).map(|j| entry(k + 1, j)).collect();
            let exchange = next[0].norm_sqr() > current[0].norm_sqr();
            if exchange {
                std::mem::swap(&mut current, &mut next);
            }
            if current[0].norm_sqr() == 0.0 {
                return None;
            }
            let multiplier = next[0] / current[0];
            steps.push((multiplier, exchange));
            let reduced =
                next[1..].iter().zip(&current[1..]).map(|(x, pivot)| x - multiplier * pivot);
            next = reduced.collect();
            rows.push(std::mem::replace(&mut current, next));
        }
        if current[0].norm_sqr() == 0.0 {
            return None;
        }
        rows.push(current);
        Some(Self { rows, steps })
    }

    /// `b <- (z I - H)^{-1} b`.
    fn solve(&self, b: &mut DVector<Complex<f64>>) {
        for (k, (multiplier, exchange)) in self.steps.iter().enumerate() {
            if *exchange {
                b.swap_rows(k, k + 1);
            }
            let pivot = b[k];
            b[k + 1] -= multiplier * pivot;
        }
        for (k, row) in self.rows.iter().enumerate().rev() {
            let known: Complex<f64> =
                row[1..].iter().zip(&b.as_slice()[k + 1..]).map(|(u, x)| u * x).sum();
            b[k] = (b[k] - known) / row[0];
        }
    }

    /// `b <- (z I - H)^{-H} b`.
    fn solve_adjoint(&self, b: &mut DVector<Complex<f64>>) {
        for (k, row) in self.rows.iter().enumerate() {
            let value = b[k] / row[0].conj();
            b[k] = value;
            for (x, u) in b.as_mut_slice()[k + 1..].iter_mut().zip(&row[1..]) {
                *x -= u.conj() * value;
            }
        }
        for (k, (multiplier, exchange)) in self.steps.iter().enumerate().rev() {
            let below = b[k + 1];
            b[k] -= multiplier.conj() * below;
            if *exchange {
                b.swap_rows(k, k + 1);
            }
        }
    }
}

/// Largest eigenvalue of a small symmetric tridiagonal matrix; infinite when it cannot be found,
/// which happens only next to an eigenvalue of the Jacobian, where the entries overflow.
fn largest_tridiagonal(diagonal: &[f64], off: &[f64]) -> f64 {
    let n = diagonal.len();
    let mut matrix = DMatrix::zeros(n, n);
    for i in 0..n {
        matrix[(i, i)] = diagonal[i];
    }
    for (i, b) in off.iter().enumerate().take(n.saturating_sub(1)) {
        matrix[(i + 1, i)] = *b;
        matrix[(i, i + 1)] = *b;
    }
    let values = symmetric_eigenvalues(&matrix).ok();
    values.and_then(|v| v.as_slice().last().copied()).unwrap_or(f64::INFINITY)
}
