//! Pseudospectra: `sigma_min(z I - J)` over the complex plane.
//!
//! After one Schur form `J = U T U^H` every point costs a few triangular solves: the largest
//! eigenvalue of `(z - T)^{-1} (z - T)^{-H}` by Lanczos' iteration with full reorthogonalisation
//! (Trefethen & Embree, Spectra and Pseudospectra, 2005, chapter 39).

use std::ops::Range;

use nalgebra::{Complex, DMatrix, DVector};
use rayon::prelude::*;

use super::compress::Compressed;
use crate::analysis::error::AnalysisError;
use crate::linalg::schur::{complex_schur, to_complex};
use crate::linalg::symmetric::symmetric_eigenvalues;

/// Lanczos steps; a handful suffices next to eigenvalues, where the largest value stands out.
const MAX_STEPS: usize = 60;
/// Relative change of the result between two steps that ends the iteration.
const CONVERGED: f64 = 1e-10;

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
/// Entries that are not finite, no convergence of the Schur form.
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

/// The norm of the resolvent `(z I - J)^{-1}` from one Schur form.
pub(super) struct ResolventNorm {
    t: DMatrix<Complex<f64>>,
}

impl ResolventNorm {
    pub(super) fn new(j: &DMatrix<f64>) -> Result<Self, AnalysisError> {
        let schur = complex_schur(&to_complex(j))
            .map_err(AnalysisError::linalg("the Schur form for the pseudospectrum"))?;
        Ok(Self { t: schur.t })
    }

    /// `|(z I - J)^{-1}|_2`; infinite at an eigenvalue.
    pub(super) fn norm(&self, z: Complex<f64>) -> f64 {
        let n = self.t.nrows();
        if n == 0 {
            return 0.0;
        }
        if (0..n).any(|i| self.t[(i, i)] == z) {
            return f64::INFINITY;
        }
        // A fixed start that is not orthogonal to anything in particular.
        let start = DVector::from_fn(n, |i, _| {
            Complex::new(
                (0.618_033_988_75 * (i + 1) as f64).fract() + 0.1,
                (0.4 * i as f64).fract(),
            )
        });
        let mut basis = vec![start.unscale(start.norm())];
        let (mut diagonal, mut off) = (Vec::new(), Vec::<f64>::new());
        let mut last = 0.0;
        for step in 0..MAX_STEPS.min(n) {
            let mut w = self.apply(z, &basis[step]);
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
            if (value - last).abs() <= CONVERGED * value || rest <= f64::EPSILON * value {
                last = value;
                break;
            }
            last = value;
            off.push(rest);
            basis.push(w.unscale(rest));
        }
        last.max(0.0).sqrt()
    }

    /// `(z - T)^{-1} (z - T)^{-H} x`.
    fn apply(&self, z: Complex<f64>, x: &DVector<Complex<f64>>) -> DVector<Complex<f64>> {
        let n = x.len();
        let mut y = x.clone();
        for j in 0..n {
            let column = self.t.column(j);
            let mut sum = y[j];
            for i in 0..j {
                sum += column[i].conj() * y[i];
            }
            y[j] = sum / (z - column[j]).conj();
        }
        for j in (0..n).rev() {
            let column = self.t.column(j);
            y[j] /= z - column[j];
            let value = y[j];
            for i in 0..j {
                y[i] += column[i] * value;
            }
        }
        y
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
