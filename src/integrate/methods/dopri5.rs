//! Dormand-Prince 5(4).

use crate::integrate::method::{Kind, Law, Method, Stepping};
use crate::integrate::tableau::{ErrorEstimate, Tableau, unit};

/// The Dormand-Prince 5(4) pair with the fourth-order continuous extension of Hairer, Nørsett &
/// Wanner.
pub static DOPRI5: Method = Method {
    name: "dopri5",
    order: 5,
    kind: Kind::Explicit,
    summary: "Dormand-Prince 5(4): the workhorse at moderate tolerances",
    reference: "Dormand & Prince 1980, J. Comput. Appl. Math. 6:19; dense output: Hairer, Nørsett & Wanner 1993, II.6",
    stepping: Stepping::Explicit(
        &TABLEAU,
        Law { exponent: 0.2, beta: 0.04, safety: 0.9, shrink: 0.2, grow: 10.0 },
    ),
};

pub(crate) static TABLEAU: Tableau = Tableau {
    stages: 6,
    c: &[0.0, 1.0 / 5.0, 3.0 / 10.0, 4.0 / 5.0, 8.0 / 9.0, 1.0, 1.0],
    a: &[
        &[],
        &[1.0 / 5.0],
        &[3.0 / 40.0, 9.0 / 40.0],
        &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
        &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0],
        &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0],
        B,
    ],
    b: B,
    error: ErrorEstimate::Single(&[
        71.0 / 57600.0,
        0.0,
        -71.0 / 16695.0,
        71.0 / 1920.0,
        -17253.0 / 339200.0,
        22.0 / 525.0,
        -1.0 / 40.0,
    ]),
    weights,
    dense_order: 4,
    stability_limit: 3.3066,
};

const B: &[f64] =
    &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0];

/// Coefficients of the quartic term (Hairer, Nørsett & Wanner, code DOPRI5).
const D: [f64; 7] = [
    -12715105075.0 / 11282082432.0,
    0.0,
    87487479700.0 / 32700410799.0,
    -10690763975.0 / 1880347072.0,
    701980252875.0 / 199316789632.0,
    -1453857185.0 / 822651844.0,
    69997945.0 / 29380423.0,
];

/// `y0 + theta (Δ + (1 - theta) ((h k1 - Δ) + theta ((2 Δ - h k1 - h k7) + (1 - theta) h Σ d k)))`
/// with `Δ = y1 - y0`, collected per stage.
fn weights(theta: f64, w: &mut [f64]) {
    let rest = 1.0 - theta;
    for (j, w) in w.iter_mut().enumerate() {
        let b = B.get(j).copied().unwrap_or(0.0);
        let (first, last) = (unit(j, 0), unit(j, 6));
        *w = theta * (b + rest * (first - b + theta * (2.0 * b - first - last + rest * D[j])));
    }
}
