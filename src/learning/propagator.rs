//! How far a linear loop still is from rest after a given time, without stepping.
//!
//! With the product `K = M B` (or `B M`) every block of a linear loop's flow is a polynomial in `K`,
//! so blocks commute and a loop of `n_{l-1} + n_l` unknowns started from zero reduces to
//!
//! ```text
//! tau_state rho' = -rho + u,   tau_controller u' = -leak u + K rho - d
//! ```
//!
//! in `n = min(n_l, n_{l-1})` unknowns each, with rest `rho* = u* = (K - leak I)^{-1} d` and
//! `rho(T) = (I - P) rho*`. The 2 x 2 block matrix of the flow has a scalar determinant, so by
//! Cayley-Hamilton its powers follow from two `n x n` polynomials by doubling, as those of a single
//! oscillator do.

use nalgebra::DMatrix;

use crate::dynamics::LoopParameters;
use crate::linalg::gemm::matmul;
use semi_implicit::semi_implicit;

mod semi_implicit;

/// How a loop ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ending {
    /// At rest.
    Rest,
    /// At this time, by the exact solution.
    Exact {
        /// s.
        time: f64,
    },
    /// After so many updates of the controller, then the state with the new controller (the
    /// published scheme).
    SemiImplicit {
        /// Step, s.
        step: f64,
        /// Number of updates.
        updates: u64,
    },
}

/// What a loop has not yet done at its end.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Remainder {
    /// `P` in `rho(T) = (I - P) rho*`.
    pub(super) matrix: DMatrix<f64>,
    /// Whether the loop is proven stable by how much it has forgotten.
    pub(super) is_stable: bool,
}

/// What is left at the end; `None` at rest, where it is 0.
pub(super) fn remainder(
    ending: Ending,
    k: &DMatrix<f64>,
    parameters: &LoopParameters,
) -> Option<Remainder> {
    match ending {
        Ending::Rest => None,
        Ending::Exact { time } => {
            Some(Remainder { matrix: exact(time, k, parameters), is_stable: false })
        }
        Ending::SemiImplicit { step, updates } => Some(semi_implicit(step, updates, k, parameters)),
    }
}

/// Terms of the series below after which, for an argument of norm 1/4, the next is below rounding.
const TERMS: usize = 8;

/// With `a = (1/tau_state + leak/tau_controller)/2` and
/// `D = a^2 I - det`, `det = (leak I - K)/(tau_state tau_controller)`, the flow is
/// `e^{Jt} = c I + s (J + a I)`, `c = e^{-at} cosh(sqrt(D) t)`,
/// `s = e^{-at} sinh(sqrt(D) t) / sqrt(D)`. The state starts at rest relative to the controller, so
/// `P = c + a s`.
fn exact(time: f64, k: &DMatrix<f64>, p: &LoopParameters) -> DMatrix<f64> {
    let n = k.nrows();
    let product = p.tau_state * p.tau_controller;
    let a = 0.5 * (1.0 / p.tau_state + p.leak / p.tau_controller);
    let mut d = k / product;
    add_to_diagonal(&mut d, a * a - p.leak / product);
    let norm = one_norm(&d).sqrt() * time;
    // Halvings that bring sqrt(|D|) t below 1/2. A norm that is not finite gives NaN all the way.
    let halvings = if norm.is_finite() { (2.0 * norm).log2().ceil().max(0.0) as i32 } else { 0 };
    let t = time * 0.5f64.powi(halvings);
    let (mut cosh, mut sinh) = (DMatrix::identity(n, n), DMatrix::identity(n, n));
    let x = d * (t * t);
    let mut power = DMatrix::identity(n, n);
    let mut factorial = 1.0;
    for k in 1..=TERMS {
        power = if k == 1 { x.clone() } else { matmul(&power, &x) };
        factorial *= (2 * k - 1) as f64 * (2 * k) as f64;
        cosh += &power / factorial;
        sinh += &power / (factorial * (2 * k + 1) as f64);
    }
    let mut c = cosh * (-a * t).exp();
    let mut s = sinh * (t * (-a * t).exp());
    let mut reached = t;
    for _ in 0..halvings {
        s = matmul(&s, &c) * 2.0;
        c = matmul(&c, &c) * 2.0;
        add_to_diagonal(&mut c, -(-2.0 * a * reached).exp());
        reached *= 2.0;
    }
    c + s * a
}

pub(super) fn add_to_diagonal(a: &mut DMatrix<f64>, x: f64) {
    for i in 0..a.nrows() {
        a[(i, i)] += x;
    }
}

fn one_norm(a: &DMatrix<f64>) -> f64 {
    a.column_iter().map(|c| c.iter().map(|x| x.abs()).sum::<f64>()).fold(0.0, f64::max)
}
