//! Contraction: a matrix measure that is negative for every slope the activations can have.
//!
//! With `J(y) = A + L diag(s) R`, `s` in a box, a weighted matrix measure `m(J(y)) <= -rate < 0` at
//! every state makes any two trajectories approach each other at least as `e^{-rate t}` in that
//! norm (Lohmiller & Slotine, Automatica 34, 1998; Davydov, Jafarpour & Bullo, IEEE Trans. Autom.
//! Control 67, 2022). Then there is exactly one equilibrium and it is globally exponentially stable.
//!
//! * Infinity and 1: with the matrix `K` of the largest diagonal entries and the largest absolute
//!   other entries over the box, `max_i (K w)_i / w_i` bounds the measure with weights `1/w` (for
//!   the 1-norm the same of `K^T`). The best weights are the Perron vector of `K`.
//! * 2: with `J = J_mid + L D R`, `|D_k| <= h_k`, and any positive `e_k`,
//!   `P L D R + (P L D R)^T <= P L E L^T P + R^T H^2 E^{-1} R`, so it suffices that
//!   `P J_mid + J_mid^T P + P L E L^T P + R^T H^2 E^{-1} R + 2 rate P` is negative definite (the
//!   S-procedure; Boyd et al., Linear Matrix Inequalities, 1994, section 5.1). `P` is found by fixed-
//!   point iteration and the inequality is then proven by a verified Cholesky factorisation.

use nalgebra::{DMatrix, DVector};

use super::Certificate;
use crate::analysis::verdict::seven_digits;
use crate::dynamics::SlopeForm;
use crate::linalg::chol::{verified_positive_definite, verified_positive_definite_within};
use crate::linalg::gemm::{matmul, matmul_tn};
use crate::linalg::lyapunov::lyapunov;
use crate::linalg::symmetric::symmetric_eigenvalues;

/// The norm of a contraction certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContractionNorm {
    /// `sum_i weights_i |x_i|`.
    One,
    /// `sqrt(x^T P x)`.
    Two,
    /// `max_i weights_i |x_i|`.
    Infinity,
}

impl ContractionNorm {
    /// The name in model files and results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
            Self::Infinity => "inf",
        }
    }
}

/// The proof.
#[derive(Debug, Clone, PartialEq)]
pub struct ContractionCertificate {
    /// The norm.
    pub norm: ContractionNorm,
    /// Trajectories approach each other at least as `e^{-rate t}`, 1/s.
    pub rate: f64,
    /// The weights of the norm as a column; for the 2-norm the matrix `P`.
    pub weights: DMatrix<f64>,
}

/// Steps of the power iteration for the weights.
const POWER_STEPS: usize = 2000;
/// Steps of the fixed-point iteration for `P`.
const FIXED_POINT_STEPS: usize = 60;

/// Tries to prove contraction in one weighted norm.
#[must_use]
pub fn contraction_certificate(
    form: &SlopeForm,
    norm: ContractionNorm,
) -> Certificate<ContractionCertificate> {
    match norm {
        ContractionNorm::Infinity => weighted(&majorant(form), norm),
        ContractionNorm::One => weighted(&majorant(form).transpose(), norm),
        ContractionNorm::Two => euclidean(form),
    }
}

/// Largest diagonal entries and largest absolute other entries over the box, rounded up.
fn majorant(form: &SlopeForm) -> DMatrix<f64> {
    let n = form.constant.nrows();
    let bounds: Vec<(f64, f64)> = form.units.iter().map(|unit| unit.slope_bounds()).collect();
    let mut low = form.constant.clone();
    let mut high = form.constant.clone();
    let mut size = form.constant.abs();
    for (k, (least, most)) in bounds.iter().enumerate() {
        for j in (0..n).filter(|&j| form.right[(k, j)] != 0.0) {
            for i in 0..n {
                let factor = form.left[(i, k)] * form.right[(k, j)];
                let ends = (factor * least, factor * most);
                low[(i, j)] += ends.0.min(ends.1);
                high[(i, j)] += ends.0.max(ends.1);
                size[(i, j)] += ends.0.abs().max(ends.1.abs());
            }
        }
    }
    // Sums of products with at most units + 1 terms.
    let rounding = 2.0 * (form.units.len() + 2) as f64 * f64::EPSILON;
    DMatrix::from_fn(n, n, |i, j| {
        let slack = rounding * size[(i, j)];
        let (low, high) = (low[(i, j)] - slack, high[(i, j)] + slack);
        if i == j { high } else { low.abs().max(high.abs()) }
    })
}

/// The measure of a matrix with nonnegative entries off the diagonal, with its best weights.
fn weighted(k: &DMatrix<f64>, norm: ContractionNorm) -> Certificate<ContractionCertificate> {
    let n = k.nrows();
    if !k.iter().all(|x| x.is_finite()) {
        return Certificate::refused("the Jacobian has entries that are not finite");
    }
    // Shifted to be nonnegative; a little of everything keeps the weights positive.
    let shift = (0..n).fold(0.0, |m: f64, i| m.max(-k[(i, i)])) * 1.01 + f64::MIN_POSITIVE;
    let mut w = DVector::from_element(n, 1.0);
    for _ in 0..POWER_STEPS {
        let floor = 1e-9 * w.mean();
        let next = k * &w + &w * shift;
        let next = next.map(|x| x.max(0.0) + floor);
        w = &next / next.max();
    }
    let image = k * &w;
    let sizes = k.abs() * &w;
    let bound = (0..n).fold(f64::NEG_INFINITY, |m: f64, i| {
        // Rounding of n products and their sum, and of the division.
        let slack = 2.0 * (n + 3) as f64 * f64::EPSILON * sizes[i];
        m.max((image[i] + slack) / w[i])
    });
    let rate = -bound - 4.0 * f64::EPSILON * bound.abs();
    if rate.is_nan() || rate <= 0.0 {
        return Certificate::refused(format!(
            "no weights make the {}-norm measure negative: the best found is {} 1/s",
            norm.name(),
            seven_digits(bound)
        ));
    }
    // x = diag(w) z turns the measure of K into row sums; for the transposed problem the weights
    // multiply instead.
    let weights = match norm {
        ContractionNorm::One => w,
        _ => w.map(f64::recip),
    };
    let weights = DMatrix::from_column_slice(n, 1, weights.as_slice());
    Certificate::Proven(ContractionCertificate { norm, rate, weights })
}

/// The parts of the inequality for the 2-norm.
struct Box2 {
    middle: DMatrix<f64>,
    /// `L sqrt(E)`.
    left: DMatrix<f64>,
    /// `H E^{-1/2} R`.
    right: DMatrix<f64>,
}

fn euclidean(form: &SlopeForm) -> Certificate<ContractionCertificate> {
    let parts = box_of(form);
    let n = parts.middle.nrows();
    let transposed = parts.middle.transpose();
    let right_square = matmul_tn(&parts.right, &parts.right);
    let Ok(spectrum) = crate::linalg::eigen::eigenvalues(&parts.middle) else {
        return Certificate::refused(
            "the Jacobian at the middle slopes has no computable spectrum",
        );
    };
    if spectrum.abscissa() >= 0.0 {
        return Certificate::refused("the loop is not stable at the middle of the slope interval");
    }
    let margin = 1e-3 * spectrum.abscissa().abs();
    let mut p = DMatrix::<f64>::identity(n, n);
    let mut is_first = true;
    for _ in 0..FIXED_POINT_STEPS {
        let mut q = right_square.clone();
        if !is_first {
            let pl = matmul(&p, &parts.left);
            q += matmul(&pl, &pl.transpose());
        }
        for i in 0..n {
            q[(i, i)] += margin;
        }
        let q = 0.5 * (&q + q.transpose());
        let next = match lyapunov(&transposed, &q) {
            Ok(solution) => solution.x,
            Err(error) => return Certificate::refused(format!("no metric found: {error}")),
        };
        let change = (&next - &p).norm();
        p = next;
        if !p.iter().all(|x| x.is_finite()) || p.norm() > 1e12 {
            break;
        }
        if !is_first && change <= 1e-10 * p.norm() {
            break;
        }
        is_first = false;
    }
    prove_euclidean(&parts, &right_square, p)
}

fn box_of(form: &SlopeForm) -> Box2 {
    let bounds: Vec<(f64, f64)> = form.units.iter().map(|unit| unit.slope_bounds()).collect();
    let mut middle = form.constant.clone();
    let mut left = form.left.clone();
    let mut right = form.right.clone();
    for (k, (low, high)) in bounds.iter().enumerate() {
        middle += form.left.column(k) * (0.5 * (low + high)) * form.right.row(k);
        // Outward, so that the box contains the interval whatever the middle was rounded to.
        let half = 0.5 * (high - low) * (1.0 + 8.0 * f64::EPSILON);
        let (l, r) = (form.left.column(k).norm(), form.right.row(k).norm());
        // E balances the two terms: e = h |R_k| / |L_k|.
        let e = if l > 0.0 && r > 0.0 && half > 0.0 { half * r / l } else { 1.0 };
        left.column_mut(k).scale_mut(e.sqrt());
        right.row_mut(k).scale_mut(half / e.sqrt());
    }
    Box2 { middle, left, right }
}

fn prove_euclidean(
    parts: &Box2,
    right_square: &DMatrix<f64>,
    p: DMatrix<f64>,
) -> Certificate<ContractionCertificate> {
    let n = p.nrows();
    if !p.iter().all(|x| x.is_finite()) || !verified_positive_definite(&p, 0.0) {
        return Certificate::refused("the iteration for a metric of the 2-norm diverged");
    }
    let product = matmul(&p, &parts.middle);
    let pl = matmul(&p, &parts.left);
    let square = matmul(&pl, &pl.transpose());
    let form = DMatrix::from_fn(n, n, |i, j| {
        let (i, j) = (i.min(j), i.max(j));
        -(product[(i, j)] + product[(j, i)] + square[(i, j)] + right_square[(i, j)])
    });
    let Ok(values) = symmetric_eigenvalues(&p) else {
        return Certificate::refused("the eigenvalues of the metric could not be found");
    };
    let Ok(form_values) = symmetric_eigenvalues(&form) else {
        return Certificate::refused("the inequality for the 2-norm could not be evaluated");
    };
    // Products of matrices with n and with `units` terms, and the middle itself; 8 instead of the
    // 4 that the analysis gives pays for the rounding of the bound.
    let terms = (n + parts.left.ncols() + 8) as f64;
    let absolute = {
        let pl_size = matmul(&p.abs(), &parts.left.abs());
        let product_size = matmul(&p.abs(), &parts.middle.abs());
        let right_abs = parts.right.abs();
        matmul(&pl_size, &pl_size.transpose())
            + &product_size
            + product_size.transpose()
            + matmul_tn(&right_abs, &right_abs)
    };
    let best = 0.5 * form_values[0] / values[n - 1];
    for share in [0.95, 0.5, 0.1] {
        let rate = share * best;
        if rate <= 0.0 {
            break;
        }
        let center = form.zip_map(&p, |f, p| f - 2.0 * rate * p);
        let radius =
            absolute.zip_map(&p, |a, p| 8.0 * terms * f64::EPSILON * (a + 2.0 * rate * p.abs()));
        if verified_positive_definite_within(&center, &radius) {
            let norm = ContractionNorm::Two;
            return Certificate::Proven(ContractionCertificate { norm, rate, weights: p });
        }
    }
    Certificate::refused("no metric of the 2-norm contracts over the whole slope interval")
}
