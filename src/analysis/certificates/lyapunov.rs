//! A quadratic Lyapunov function of the linearisation, verified in floating point.
//!
//! `P` comes from `J^T P + P J = -I` and is then only a guess: what is proven is that the stored `P`
//! is positive definite and that `-(J^T P + P J) - 2 rate P` is, every rounding error enclosed
//! (see [`crate::linalg::chol`]). Hence `V = x^T P x` falls at least as `e^{-2 rate t}` along
//! `x' = J x` for the stored `J`, whatever the eigenvalue iteration says.

use nalgebra::DMatrix;

use super::Certificate;
use crate::linalg::chol::{
    enclose_symmetric_form, verified_positive_definite, verified_positive_definite_within,
};
use crate::linalg::lyapunov::lyapunov;
use crate::linalg::symmetric::symmetric_eigenvalues;

/// Share of the optimal rate of this `P` that is asked for; the rest pays for rounding.
const SHARES: [f64; 4] = [0.99, 0.9, 0.5, 0.0];

/// The proof.
#[derive(Debug, Clone, PartialEq)]
pub struct LyapunovCertificate {
    /// `P`, symmetric.
    pub p: DMatrix<f64>,
    /// `|x(t)|_P` falls at least as `e^{-rate t}`, 1/s; zero when only the sign is proven.
    pub rate: f64,
    /// Largest over smallest eigenvalue of `P`: the squared bound on transient growth that `V` gives.
    pub condition: f64,
}

/// Tries to prove that `x' = J x` is asymptotically stable.
#[must_use]
pub fn lyapunov_certificate(jacobian: &DMatrix<f64>) -> Certificate<LyapunovCertificate> {
    let n = jacobian.nrows();
    let p = match lyapunov(&jacobian.transpose(), &DMatrix::identity(n, n)) {
        Ok(solution) => solution.x,
        Err(error) => return Certificate::refused(format!("no Lyapunov function: {error}")),
    };
    if !verified_positive_definite(&p, 0.0) {
        return Certificate::refused(
            "P is not provably positive definite: J is not provably stable",
        );
    }
    let enclosure = match enclose_symmetric_form(jacobian, &p) {
        Ok(enclosure) => enclosure,
        Err(error) => return Certificate::refused(format!("-(J^T P + P J): {error}")),
    };
    let Ok(values) = symmetric_eigenvalues(&p) else {
        return Certificate::refused("the eigenvalues of P could not be found");
    };
    let (least, most) = (values[0], values[n - 1]);
    for share in SHARES {
        let rate = 0.5 * share / most;
        // Two roundings per entry, both relative to its terms.
        let center = enclosure.center.zip_map(&p, |c, p| c - 2.0 * rate * p);
        let radius = DMatrix::from_fn(n, n, |i, j| {
            let size = enclosure.center[(i, j)].abs() + (2.0 * rate * p[(i, j)]).abs();
            enclosure.radius[(i, j)] + 2.0 * f64::EPSILON * size
        });
        if verified_positive_definite_within(&center, &radius) {
            let condition = if least > 0.0 { most / least } else { f64::INFINITY };
            return Certificate::Proven(LyapunovCertificate { p, rate, condition });
        }
    }
    Certificate::refused(
        "-(J^T P + P J) is not provably positive definite: rounding errors are larger than the margin",
    )
}
