//! The published discrete scheme: semi-implicit Euler, a system of its own.
//!
//! One step of size `h` advances the blocks in a given order, each with the new values of those
//! before it. On a linear(ised) system that is `y <- M y` with
//! `M = (I + h P_k J) .. (I + h P_1 J)`, `P_i` the projection on the i-th block to be advanced. The
//! fixed point is that of the differential equation, but it is approached only if the spectral
//! radius of `M` is below 1.
//!
//! For a layer loop (controller first) an eigenvalue `mu` of `W G B` gives the two roots of
//! `z^2 - (p + q + h^2 mu / (tau_state tau_controller)) z + p q = 0` with `p = 1 - h/tau_state`
//! and `q = 1 - h leak/tau_controller`; the rest of the spectrum is `p` or `q`.

use std::ops::Range;

use nalgebra::{Complex, DMatrix};

use crate::analysis::error::AnalysisError;
use crate::dynamics::LayerLoop;
use crate::linalg::eigen::eigenvalues;
use crate::linalg::gemm::matmul;

/// Factor between the steps tried in the search for the largest stable one.
const RATIO: f64 = 1.02;
/// The search covers steps from this times the shortest time scale to its inverse times the longest.
const SHORTEST: f64 = 1e-3;

/// The one-step matrix of semi-implicit Euler on `y' = J y`.
#[must_use]
pub fn one_step_matrix(jacobian: &DMatrix<f64>, order: &[Range<usize>], h: f64) -> DMatrix<f64> {
    let n = jacobian.nrows();
    let mut m = DMatrix::identity(n, n);
    for range in order {
        let rows = jacobian.rows(range.start, range.len()).into_owned();
        let change = matmul(&rows, &m) * h;
        let mut part = m.rows_mut(range.start, range.len());
        part += change;
    }
    m
}

/// Spectral radius of the one-step matrix of any system.
///
/// # Errors
/// Entries that are not finite, no convergence.
pub fn euler_radius(
    jacobian: &DMatrix<f64>,
    order: &[Range<usize>],
    h: f64,
) -> Result<f64, AnalysisError> {
    let spectrum = eigenvalues(&one_step_matrix(jacobian, order, h))
        .map_err(AnalysisError::linalg("the spectral radius of the Euler scheme"))?;
    Ok(spectrum.radius())
}

/// Spectral radius of the one-step matrix of a layer loop from the eigenvalues of `W G B`.
#[must_use]
pub fn euler_radius_of_loop(layer: &LayerLoop, eigenvalues: &[Complex<f64>], h: f64) -> f64 {
    let (controllers, states) = layer.forward.shape();
    let p = 1.0 - h / layer.tau_state;
    let q = 1.0 - h * layer.leak / layer.tau_controller;
    let coupling = h * h / (layer.tau_state * layer.tau_controller);
    let roots = eigenvalues.iter().map(|mu| {
        let half = (mu * coupling + (p + q)) * 0.5;
        let root = (half * half - p * q).sqrt();
        (half + root).norm().max((half - root).norm())
    });
    let mut radius = roots.fold(0.0, f64::max);
    if states > controllers {
        radius = radius.max(p.abs());
    }
    if controllers > states {
        radius = radius.max(q.abs());
    }
    radius
}

/// The largest step below which the scheme is stable: where the spectral radius first reaches 1.
///
/// `scales` are the shortest and longest time scales of the system, s. `None` when the scheme is
/// unstable at the smallest step tried (then so is the differential equation), or stable at the
/// largest.
///
/// # Errors
/// What `radius` returns.
pub fn largest_stable_step(
    scales: (f64, f64),
    radius: impl Fn(f64) -> Result<f64, AnalysisError>,
) -> Result<Option<f64>, AnalysisError> {
    let mut low = SHORTEST * scales.0;
    if !(low > 0.0 && low.is_finite() && scales.1.is_finite()) || radius(low)? >= 1.0 {
        return Ok(None);
    }
    let last = scales.1 / SHORTEST;
    let mut high = low * RATIO;
    while radius(high)? < 1.0 {
        if high > last {
            return Ok(None);
        }
        (low, high) = (high, high * RATIO);
    }
    while high - low > 4.0 * f64::EPSILON * high {
        let middle = 0.5 * (low + high);
        if radius(middle)? < 1.0 { low = middle } else { high = middle }
    }
    Ok(Some(low))
}
