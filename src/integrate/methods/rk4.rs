//! Classical Runge-Kutta of order 4.

use crate::integrate::method::{Kind, Method, Stepping};
use crate::integrate::tableau::{ErrorEstimate, Tableau, unit};

/// The classical fourth-order method with a fixed step.
pub static RK4: Method = Method {
    name: "rk4",
    order: 4,
    kind: Kind::FixedStep,
    summary: "classical Runge-Kutta with a fixed step",
    reference: "Kutta 1901, Z. Math. Phys. 46:435; dense output: see the source",
    stepping: Stepping::Fixed(&TABLEAU),
};

/// Position of the extra stage: not 1/2, where the quartic through the data is undetermined.
const C: f64 = 0.25;

pub(crate) static TABLEAU: Tableau = Tableau {
    stages: 4,
    c: &[0.0, 0.5, 0.5, 1.0, 1.0, C],
    a: &[
        &[],
        &[0.5],
        &[0.0, 0.5],
        &[0.0, 0.0, 1.0],
        B,
        // The cubic Hermite interpolant of both ends, at C.
        &[1.0 / 6.0, 5.0 / 96.0, 5.0 / 96.0, 5.0 / 192.0, -3.0 / 64.0],
    ],
    b: B,
    error: ErrorEstimate::None,
    weights,
    dense_order: 4,
    stability_limit: 2.7853,
};

const B: &[f64] = &[1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0];

/// The quartic that matches `y0`, `y1` and the derivatives at 0, `C` and 1.
///
/// Its derivative is the parabola through the three derivatives plus the multiple of
/// `x (x - C) (x - 1)` that makes the integral over the step `y1 - y0`. The derivative at `C`
/// comes from the cubic Hermite interpolant, whose error `O(h^4)` costs `O(h^5)` in `y`: the
/// extension has order 4 throughout the step.
fn weights(theta: f64, w: &mut [f64]) {
    let (t1, t2, t3, t4) = (theta, theta.powi(2), theta.powi(3), theta.powi(4));
    let at_start = (t3 / 3.0 - (1.0 + C) * t2 / 2.0 + C * t1) / C;
    let inside = (t3 / 3.0 - t2 / 2.0) / (C * (C - 1.0));
    let at_end = (t3 / 3.0 - C * t2 / 2.0) / (1.0 - C);
    let bubble = t4 / 4.0 - (1.0 + C) * t3 / 3.0 + C * t2 / 2.0;
    let whole = (2.0 * C - 1.0) / 12.0;
    let (q_start, q_inside, q_end) = (
        (3.0 * C - 1.0) / (6.0 * C),
        1.0 / (6.0 * C * (1.0 - C)),
        (2.0 - 3.0 * C) / (6.0 * (1.0 - C)),
    );
    for (j, w) in w.iter_mut().enumerate() {
        let (first, last, extra) = (unit(j, 0), unit(j, 4), unit(j, 5));
        let b = B.get(j).copied().unwrap_or(0.0);
        let missing = b - q_start * first - q_inside * extra - q_end * last;
        *w = at_start * first + inside * extra + at_end * last + bubble * missing / whole;
    }
}
