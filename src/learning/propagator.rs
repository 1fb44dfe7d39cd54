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
use crate::linalg::gemm;

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

/// `P` in `rho(T) = (I - P) rho*`; `None` at rest, where it is 0.
pub(super) fn remainder(
    ending: Ending,
    k: &DMatrix<f64>,
    parameters: &LoopParameters,
) -> Option<DMatrix<f64>> {
    match ending {
        Ending::Rest => None,
        Ending::Exact { time } => Some(exact(time, k, parameters)),
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

/// One update has trace `T_1 = (2 - p - q leak) I + p q K` and determinant
/// `(1 - p)(1 - q leak)` with `p = step/tau_state`, `q = step/tau_controller`. Its powers are
/// `A^N = U_N A - det U_{N-1} I`, where `U_N` and the traces `T_N` follow by doubling and adding.
fn semi_implicit(
    step: f64,
    updates: u64,
    k: &DMatrix<f64>,
    params: &LoopParameters,
) -> DMatrix<f64> {
    let n = k.nrows();
    let (p, q) = (step / params.tau_state, step / params.tau_controller);
    let det = (1.0 - p) * (1.0 - q * params.leak);
    let mut trace = k * (p * q);
    add_to_diagonal(&mut trace, 2.0 - p - q * params.leak);
    let mut discriminant = matmul(&trace, &trace);
    add_to_diagonal(&mut discriminant, -4.0 * det);
    // (U_m, T_m) for the leading bits m of `updates`; U_0 = 0, T_0 = 2 I.
    let (mut u, mut t) = (DMatrix::zeros(n, n), DMatrix::identity(n, n) * 2.0);
    let mut before = DMatrix::zeros(n, n);
    let mut det_power = 1.0;
    for bit in (0..u64::BITS - updates.leading_zeros()).rev() {
        u = matmul(&u, &t);
        t = matmul(&t, &t);
        add_to_diagonal(&mut t, -2.0 * det_power);
        det_power *= det_power;
        let odd = updates >> bit & 1 == 1;
        if bit == 0 {
            // det U_{m-1} = (T_1 U_m - T_m) / 2.
            let (m, m_trace) = if odd { next(&u, &t, &trace, &discriminant) } else { (u, t) };
            before = (matmul(&trace, &m) - m_trace) * 0.5;
            u = m;
            break;
        }
        if odd {
            (u, t) = next(&u, &t, &trace, &discriminant);
            det_power *= det;
        }
    }
    // The first update moves the state from rest by step^2 d / (tau_state tau_controller).
    let mut first = k * (p * q);
    add_to_diagonal(&mut first, 1.0 - p * q * params.leak);
    matmul(&u, &first) - before
}

/// `(U_{m+1}, T_{m+1})`.
fn next(
    u: &DMatrix<f64>,
    t: &DMatrix<f64>,
    trace: &DMatrix<f64>,
    discriminant: &DMatrix<f64>,
) -> (DMatrix<f64>, DMatrix<f64>) {
    let up = (matmul(trace, u) + t) * 0.5;
    let tp = (matmul(trace, t) + matmul(discriminant, u)) * 0.5;
    (up, tp)
}

pub(super) fn add_to_diagonal(a: &mut DMatrix<f64>, x: f64) {
    for i in 0..a.nrows() {
        a[(i, i)] += x;
    }
}

/// Below this size the set-up of a blocked product takes longer than the product.
const SMALL: usize = 24;

/// `A B` for square matrices.
fn matmul(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    let n = a.nrows();
    if n > SMALL {
        return gemm::matmul(a, b);
    }
    let mut c = DMatrix::zeros(n, n);
    let columns = c.as_mut_slice().chunks_exact_mut(n).zip(b.as_slice().chunks_exact(n));
    for (c, b) in columns {
        for (a, b) in a.as_slice().chunks_exact(n).zip(b) {
            c.iter_mut().zip(a).for_each(|(c, a)| *c += a * b);
        }
    }
    c
}

fn one_norm(a: &DMatrix<f64>) -> f64 {
    a.column_iter().map(|c| c.iter().map(|x| x.abs()).sum::<f64>()).fold(0.0, f64::max)
}
