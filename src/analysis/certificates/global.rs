//! Global asymptotic stability of a nonlinear layer loop.
//!
//! For `tau_state r' = -r + B u`, `tau_controller u' = -leak u + W phi(r) - delta` with strictly
//! increasing `phi` (unit by unit) and `B = -P W^T R`, `P` diagonal and positive, `R` symmetric
//! positive definite, let `(r*, u*)` be an equilibrium and
//!
//! ```text
//! V = tau_state sum_i (1/P_i) int_{r*_i}^{r_i} (phi_i(s) - phi_i(r*_i)) ds
//!     + (tau_controller/2) (u - u*)^T R (u - u*)
//! dV/dt = -sum_i (phi_i(r_i) - phi_i(r*_i)) (r_i - r*_i) / P_i - leak (u - u*)^T R (u - u*)
//! ```
//!
//! The cross terms `+-(phi(r) - phi(r*))^T W^T R (u - u*)` cancel exactly because of the form of
//! `B`. `V` is positive away from the equilibrium and radially unbounded in `u`; with `leak > 0` its
//! derivative is negative there. With `leak = 0` it vanishes only where `r = r*`, and no trajectory
//! stays there unless `B (u - u*) = 0`, which for `W` of full row rank means `u = u*` (LaSalle).
//!
//! `P` and `R` are found from `W` and `B`: `d_i = 1/P_i` makes `diag(d) B W` symmetric, because
//! `diag(d) B W = -W^T R W`, which fixes the ratios `d_i/d_j`; then `R W = -B^T diag(d)`.

use nalgebra::{DMatrix, DVector};

use super::Certificate;
use crate::dynamics::{LayerLoop, SlopeUnit};
use crate::linalg::chol::verified_positive_definite;
use crate::linalg::gemm::{matmul, matmul_tn};
use crate::linalg::svd::{pseudoinverse, svd};
use crate::network::Activation;

/// `|B + P W^T R|_F / |B|_F` up to which `B` has the form: rounding of the entries of `B`, times
/// what the solve for `R` may lose.
const FORM_TOLERANCE: f64 = 1e-11;
/// Entries of `B W` below this times the norms of their row and column say nothing about ratios.
const NEGLIGIBLE: f64 = 1e-9;

/// The proof.
#[derive(Debug, Clone, PartialEq)]
pub struct GlobalCertificate {
    /// The diagonal of `P`.
    pub p: DVector<f64>,
    /// `R`.
    pub r: DMatrix<f64>,
    /// `|B + P W^T R|_F / |B|_F`: 0 when the form holds to the last bit.
    pub residual: f64,
}

/// Tries to prove that the loop with the weights `layer.forward` (slopes one) and these nonlinear
/// units is globally asymptotically stable, for every target that has an equilibrium.
///
/// Units may be empty for a linear loop.
#[must_use]
pub fn global_certificate(
    layer: &LayerLoop,
    units: &[SlopeUnit],
) -> Certificate<GlobalCertificate> {
    let flat = units.iter().find(|u| u.activation == Activation::Relu || u.gain <= 0.0);
    if let Some(unit) = flat {
        return Certificate::refused(format!(
            "{} is not strictly increasing",
            unit.activation.name()
        ));
    }
    if layer.leak < 0.0 {
        return Certificate::refused(format!("the leak is negative ({:e})", layer.leak));
    }
    if layer.leak == 0.0 {
        match svd(&layer.forward) {
            Ok(parts) if has_full_row_rank(&layer.forward, &parts.s) => {}
            Ok(_) => {
                return Certificate::refused("without leak W must have full row rank, and has not");
            }
            Err(error) => return Certificate::refused(error.to_string()),
        }
    }
    let found = recover_scaling(&layer.forward, &layer.feedback)
        .and_then(|d| recover_form(&layer.forward, &layer.feedback, &d).map(|r| (d, r)));
    let (d, r) = match found {
        Ok(found) => found,
        Err(reason) => return Certificate::refused(reason),
    };
    let p = d.map(f64::recip);
    let mut form = matmul_tn(&layer.forward, &r);
    for (i, mut row) in form.row_iter_mut().enumerate() {
        row *= p[i];
    }
    let residual = (&layer.feedback + form).norm() / layer.feedback.norm();
    if residual.is_nan() || residual > FORM_TOLERANCE {
        return Certificate::refused(format!(
            "B is not of the form -P W^T R: the best fit leaves {residual:.1e} of it"
        ));
    }
    if !verified_positive_definite(&r, 0.0) {
        return Certificate::refused("R exists but is not positive definite");
    }
    Certificate::Proven(GlobalCertificate { p, r, residual })
}

fn has_full_row_rank(w: &DMatrix<f64>, s: &DVector<f64>) -> bool {
    let (m, n) = w.shape();
    m <= n && s[m - 1] > n as f64 * f64::EPSILON * s[0]
}

/// `d` with `d_i N_ij = d_j N_ji` for `N = B W`, by following the largest entries from unit to unit.
fn recover_scaling(w: &DMatrix<f64>, b: &DMatrix<f64>) -> Result<DVector<f64>, String> {
    let n = w.ncols();
    let product = matmul(b, w);
    let rows: Vec<f64> = b.row_iter().map(|row| row.norm()).collect();
    let columns: Vec<f64> = w.column_iter().map(|column| column.norm()).collect();
    for i in 0..n {
        if (rows[i] == 0.0) != (columns[i] == 0.0) {
            return Err(format!(
                "state unit {i} is seen by the controller or driven by it, but not both"
            ));
        }
    }
    let strength = |i: usize, j: usize| {
        let one = product[(i, j)].abs() / (rows[i] * columns[j]);
        let other = product[(j, i)].abs() / (rows[j] * columns[i]);
        one.min(other)
    };
    let mut d = DVector::from_element(n, 0.0);
    for root in 0..n {
        if d[root] != 0.0 {
            continue;
        }
        d[root] = 1.0;
        if rows[root] == 0.0 {
            continue;
        }
        // Prim's order: the next unit is the one with the most reliable link.
        let mut link: Vec<(f64, usize)> = (0..n).map(|j| (strength(root, j), root)).collect();
        loop {
            let open = (0..n).filter(|&j| d[j] == 0.0 && rows[j] > 0.0 && link[j].0 > NEGLIGIBLE);
            let Some(j) = open.max_by(|a, b| link[*a].0.total_cmp(&link[*b].0)) else { break };
            let i = link[j].1;
            let ratio = product[(i, j)] / product[(j, i)];
            if ratio.is_nan() || ratio <= 0.0 {
                return Err(format!(
                    "B W cannot be made symmetric by a positive scaling: units {i} and {j}"
                ));
            }
            d[j] = d[i] * ratio;
            for k in (0..n).filter(|&k| d[k] == 0.0) {
                let s = strength(j, k);
                if s > link[k].0 {
                    link[k] = (s, j);
                }
            }
        }
    }
    Ok(d)
}

/// `R` with `R W = -B^T diag(d)`, symmetric; completed on the complement of the range of `W` so that
/// it is positive definite if it can be.
fn recover_form(
    w: &DMatrix<f64>,
    b: &DMatrix<f64>,
    d: &DVector<f64>,
) -> Result<DMatrix<f64>, String> {
    let m = w.nrows();
    let mut target = -b.transpose();
    for (mut column, d) in target.column_iter_mut().zip(d.iter()) {
        column *= *d;
    }
    // The commonest case exactly: R = s I.
    let s = w.iter().zip(target.iter()).find(|(w, _)| **w != 0.0).map(|(w, t)| t / w);
    if let Some(s) = s.filter(|s| *s > 0.0 && s.is_finite())
        && (w * s - &target).norm() <= 4.0 * f64::EPSILON * target.norm()
    {
        return Ok(DMatrix::identity(m, m) * s);
    }
    let parts = svd(w).map_err(|error| error.to_string())?;
    let inverse = pseudoinverse(w, None).map_err(|error| error.to_string())?;
    let partial = matmul(&target, &inverse.matrix);
    let range = parts.u.columns(0, inverse.rank).into_owned();
    if inverse.rank == m {
        return Ok(0.5 * (&partial + partial.transpose()));
    }
    // With Q the range: R = T on the range, R Q = T Q; what is left is free.
    let image = matmul(&partial, &range);
    let within = matmul_tn(&range, &image);
    let within = 0.5 * (&within + within.transpose());
    let outward = &image - matmul(&range, &within);
    let lu = crate::linalg::lu::Lu::new(&within)
        .map_err(|error| format!("R is singular on the range of W: {error}"))?;
    let complement = DMatrix::identity(m, m) - matmul(&range, &range.transpose());
    let unit = within.trace() / inverse.rank as f64;
    let r = matmul(&matmul(&range, &within), &range.transpose())
        + matmul(&outward, &range.transpose())
        + matmul(&range, &outward.transpose())
        + matmul(&outward, &lu.solve_columns(&outward.transpose()))
        + complement * unit;
    Ok(0.5 * (&r + r.transpose()))
}

/// `V` and `dV/dt` at a state of the loop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LyapunovValue {
    /// `V`.
    pub v: f64,
    /// `dV/dt`, 1/s.
    pub rate: f64,
}

/// `V` and `dV/dt` at `state` relative to `equilibrium`, both `(r, u)`; linear without units.
#[must_use]
pub fn global_lyapunov_value(
    certificate: &GlobalCertificate,
    layer: &LayerLoop,
    units: &[SlopeUnit],
    equilibrium: &[f64],
    state: &[f64],
) -> LyapunovValue {
    let n = layer.forward.ncols();
    let identity = SlopeUnit { activation: Activation::Linear, offset: 0.0, gain: 1.0 };
    let (mut potential, mut loss) = (0.0, 0.0);
    for i in 0..n {
        let unit = units.get(i).unwrap_or(&identity);
        let argument = |x: f64| unit.offset + unit.gain * x;
        let (x, rest) = (state[i], equilibrium[i]);
        let value = |x: f64| unit.activation.value(argument(x));
        let integral = |x: f64| unit.activation.integral(argument(x)) / unit.gain;
        let p = certificate.p[i];
        potential += (integral(x) - integral(rest) - value(rest) * (x - rest)).max(0.0) / p;
        loss += (value(x) - value(rest)) * (x - rest) / p;
    }
    let du = DVector::from_fn(state.len() - n, |k, _| state[n + k] - equilibrium[n + k]);
    let energy = du.dot(&(&certificate.r * &du));
    LyapunovValue {
        v: layer.tau_state * potential + 0.5 * layer.tau_controller * energy,
        rate: -loss - layer.leak * energy,
    }
}
