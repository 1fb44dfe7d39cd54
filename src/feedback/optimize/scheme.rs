//! The loop as the published semi-implicit Euler scheme runs it, and its smoothed spectral radius.
//!
//! One step `y <- S y` updates the controller first and the stages after it, each with the new
//! values of those before. The scheme converges iff the spectral radius of `S` is below 1, which a
//! stable differential equation does not guarantee. The smoothed radius is the `rho` above it with
//! `trace(P) = 1/eps + n`, where `P = (S/rho) P (S/rho)^T + I`: the discrete counterpart of the
//! smoothed abscissa, smooth in `S`. Both are stated as rates, `ln(rho)/step`.

use std::ops::Range;

use nalgebra::DMatrix;

use super::OptimizeError;
use crate::linalg::eigen::eigenvalues;
use crate::linalg::gemm::{matmul, matmul_nt, matmul_tn};

/// Cap on the safeguarded Newton iteration; it usually takes three to six steps.
const MAX_ITERATIONS: usize = 100;
/// `1/trace(P - I)` may differ from the smoothing by this share.
const TOLERANCE: f64 = 1e-10;
/// Doublings of the series for `P`: enough for radii up to `1 - 2^-50`.
const MAX_DOUBLINGS: usize = 60;

/// One step of the scheme on `y' = J y`.
pub(super) struct Scheme {
    /// Blocks in the order in which they are advanced.
    pub(super) order: Vec<Range<usize>>,
    /// The step, s.
    pub(super) step: f64,
}

impl Scheme {
    /// `ln(radius)/step`, 1/s: the rate at which the slowest mode of the scheme grows.
    pub(super) fn rate(&self, j: &DMatrix<f64>) -> Result<f64, OptimizeError> {
        let states = self.states(j);
        let radius = eigenvalues(&states[states.len() - 1])?.radius();
        Ok(radius.max(f64::MIN_POSITIVE).ln() / self.step)
    }

    /// The smoothed rate and its gradient with respect to `j`.
    pub(super) fn smoothed(
        &self,
        j: &DMatrix<f64>,
        smoothing: f64,
        near: Option<f64>,
    ) -> Result<(f64, DMatrix<f64>), OptimizeError> {
        let states = self.states(j);
        let near = near.map(|rate| (rate * self.step).exp());
        // A single eigenvalue then gives a rate larger by about the smoothing.
        let smoothing = 2.0 * self.step * smoothing;
        let (radius, gradient) = smoothed_radius(&states[states.len() - 1], smoothing, near)?;
        let gradient = self.pull_back(j, &states, gradient / (self.step * radius));
        Ok((radius.ln() / self.step, gradient))
    }

    /// The matrices of the step after each block, the identity first.
    fn states(&self, j: &DMatrix<f64>) -> Vec<DMatrix<f64>> {
        let n = j.nrows();
        let mut states = vec![DMatrix::identity(n, n)];
        for range in &self.order {
            let mut next = states[states.len() - 1].clone();
            let rows = j.rows(range.start, range.len()).into_owned();
            let change = matmul(&rows, &next) * self.step;
            let mut part = next.rows_mut(range.start, range.len());
            part += change;
            states.push(next);
        }
        states
    }

    /// The gradient with respect to `j` from that with respect to the one-step matrix.
    fn pull_back(
        &self,
        j: &DMatrix<f64>,
        states: &[DMatrix<f64>],
        mut adjoint: DMatrix<f64>,
    ) -> DMatrix<f64> {
        let mut gradient = DMatrix::zeros(j.nrows(), j.ncols());
        for (range, before) in self.order.iter().zip(states).rev() {
            let rows = adjoint.rows(range.start, range.len()).into_owned();
            let mut part = gradient.rows_mut(range.start, range.len());
            part += matmul_nt(&rows, before) * self.step;
            let block = j.rows(range.start, range.len()).into_owned();
            adjoint += matmul_tn(&block, &rows) * self.step;
        }
        gradient
    }
}

/// The smoothed radius of `s` and its gradient `W A P / <W A P, A>` with `A = S/rho` and
/// `W = A^T W A + I`.
fn smoothed_radius(
    s: &DMatrix<f64>,
    smoothing: f64,
    near: Option<f64>,
) -> Result<(f64, DMatrix<f64>), OptimizeError> {
    // trace(P - I) >= sum_i x_i/(1 - x_i) with x_i = |z_i/rho|^2 puts the solution beyond this.
    let radius = eigenvalues(s)?.radius();
    let mut low = (radius * (1.0 + smoothing).sqrt()).max(f64::MIN_POSITIVE.sqrt());
    let mut high = f64::INFINITY;
    let mut rho = near.filter(|near| *near > low && near.is_finite()).unwrap_or(low);
    for _ in 0..MAX_ITERATIONS {
        let a = s / rho;
        let Some((p, w)) = series(&a).zip(series(&a.transpose())) else {
            low = rho;
            rho *= 1.0 + smoothing;
            continue;
        };
        let excess_trace = (&p - DMatrix::identity(p.nrows(), p.ncols())).trace();
        let product = matmul(&matmul(&w, &a), &p);
        let weight = product.dot(&a);
        let excess = 1.0 / excess_trace - smoothing;
        let newton = rho * (1.0 - excess * excess_trace * excess_trace / (2.0 * weight));
        let resolved = (newton - rho).abs() > 2.0 * f64::EPSILON * rho;
        if excess.abs() <= TOLERANCE * smoothing || !resolved {
            return Ok((rho, product / weight));
        }
        if excess < 0.0 {
            low = rho
        } else {
            high = rho
        }
        rho = if newton > low && newton < high {
            newton
        } else if high.is_finite() {
            0.5 * (low + high)
        } else {
            rho + 2.0 * (rho - low).max(smoothing * rho)
        };
    }
    Err(OptimizeError::Smoothing { iterations: MAX_ITERATIONS, low, high })
}

/// `sum_k A^k (A^k)^T` by doubling; `None` where it does not converge.
fn series(a: &DMatrix<f64>) -> Option<DMatrix<f64>> {
    let n = a.nrows();
    let mut power = a.clone();
    let mut sum = DMatrix::identity(n, n);
    for _ in 0..MAX_DOUBLINGS {
        let change = matmul_nt(&matmul(&power, &sum), &power);
        let (size, total) = (change.norm(), sum.norm());
        if !size.is_finite() {
            return None;
        }
        sum += change;
        if size <= f64::EPSILON * total {
            return Some(sum);
        }
        power = matmul(&power, &power);
    }
    None
}
