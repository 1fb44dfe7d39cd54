//! Explicit Euler.

use crate::integrate::method::{Kind, Method, Stepping};
use crate::integrate::tableau::{ErrorEstimate, Tableau};

/// Explicit Euler with a fixed step; linear dense output, of order 1 like the method.
pub static EULER: Method = Method {
    name: "euler",
    order: 1,
    kind: Kind::FixedStep,
    summary: "explicit Euler with a fixed step: for comparison, not for results",
    reference: "Hairer, Nørsett & Wanner 1993, Solving Ordinary Differential Equations I, I.7",
    stepping: Stepping::Fixed(&TABLEAU),
};

pub(crate) static TABLEAU: Tableau = Tableau {
    stages: 1,
    c: &[0.0, 1.0],
    a: &[&[], &[1.0]],
    b: &[1.0],
    error: ErrorEstimate::None,
    weights: |theta, w| {
        w.fill(0.0);
        w[0] = theta;
    },
    dense_order: 1,
    stability_limit: 2.0,
};
