//! Many updates of semi-implicit Euler at once.
//!
//! One update has trace `T_1 = (2 - p - q leak) I + p q K` and determinant `(1 - p)(1 - q leak)`
//! with `p = step/tau_state`, `q = step/tau_controller`. Its powers are
//! `A^N = U_N A - det U_{N-1} I`; `U_N` and the traces `T_N` are Chebyshev polynomials of `T_1`, up
//! to scale, and follow by multiplying `N` by 2 or 3 and by adding 1:
//!
//! ```text
//! T_2m = T_m^2 - 2 det^m              U_2m = T_m U_m
//! T_3m = T_m (T_m^2 - 3 det^m)        U_3m = U_m (T_m^2 - det^m)
//! T_m+1 = (T_1 T_m + (T_1^2 - 4 det) U_m)/2      U_m+1 = (T_1 U_m + T_m)/2
//! ```

use nalgebra::DMatrix;

use super::{Remainder, add_to_diagonal};
use crate::dynamics::LoopParameters;
use crate::linalg::gemm::matmul_into;
use crate::linalg::kernels::SmallSquare;

/// The polynomials of the trace need products, sums and multiples of the identity.
trait Algebra: Clone {
    fn set_product(&mut self, a: &Self, b: &Self);
    fn combine(&mut self, other: &Self, f: impl Fn(f64, f64) -> f64);
    fn add_to_diagonal(&mut self, x: f64);
    fn norm(&self) -> f64;
}

impl Algebra for SmallSquare {
    fn set_product(&mut self, a: &Self, b: &Self) {
        self.set_product(a, b);
    }

    fn combine(&mut self, other: &Self, f: impl Fn(f64, f64) -> f64) {
        self.combine(other, f);
    }

    fn add_to_diagonal(&mut self, x: f64) {
        self.add_to_diagonal(x);
    }

    fn norm(&self) -> f64 {
        self.norm()
    }
}

impl Algebra for DMatrix<f64> {
    fn set_product(&mut self, a: &Self, b: &Self) {
        matmul_into(1.0, a, b, 0.0, self);
    }

    fn combine(&mut self, other: &Self, f: impl Fn(f64, f64) -> f64) {
        self.zip_apply(other, |x, y| *x = f(*x, y));
    }

    fn add_to_diagonal(&mut self, x: f64) {
        add_to_diagonal(self, x);
    }

    fn norm(&self) -> f64 {
        self.norm()
    }
}

/// `P` after so many updates.
pub(super) fn semi_implicit(
    step: f64,
    updates: u64,
    k: &DMatrix<f64>,
    params: &LoopParameters,
) -> Remainder {
    let n = k.nrows();
    if !(1..=SmallSquare::MAX).contains(&n) {
        let (matrix, is_stable) = run(k.clone(), step, updates, params);
        return Remainder { matrix, is_stable };
    }
    let small = SmallSquare::from_fn(n, |i, j| k[(i, j)]);
    let (p, is_stable) = run(small, step, updates, params);
    let mut matrix = DMatrix::zeros(n, n);
    for (j, column) in matrix.as_mut_slice().chunks_exact_mut(n).enumerate() {
        column.copy_from_slice(p.column(j));
    }
    Remainder { matrix, is_stable }
}

/// `U_m`, `T_m` and `det^m`.
struct Power<M> {
    u: M,
    t: M,
    det: f64,
    spare: M,
}

impl<M: Algebra> Power<M> {
    fn double(&mut self) {
        self.spare.set_product(&self.t, &self.u);
        std::mem::swap(&mut self.u, &mut self.spare);
        self.spare.set_product(&self.t, &self.t);
        std::mem::swap(&mut self.t, &mut self.spare);
        self.t.add_to_diagonal(-2.0 * self.det);
        self.det *= self.det;
    }

    fn triple(&mut self, square: &mut M) {
        square.set_product(&self.t, &self.t);
        square.add_to_diagonal(-self.det);
        self.spare.set_product(&self.u, square);
        std::mem::swap(&mut self.u, &mut self.spare);
        square.add_to_diagonal(-2.0 * self.det);
        self.spare.set_product(&self.t, square);
        std::mem::swap(&mut self.t, &mut self.spare);
        self.det = self.det * self.det * self.det;
    }

    fn next(&mut self, first: &First<M>, square: &mut M) {
        square.set_product(&first.trace, &self.t);
        self.spare.set_product(&first.discriminant, &self.u);
        square.combine(&self.spare, |a, b| 0.5 * (a + b));
        self.spare.set_product(&first.trace, &self.u);
        self.u.clone_from(&self.spare);
        self.u.combine(&self.t, |a, b| 0.5 * (a + b));
        std::mem::swap(&mut self.t, square);
        self.det *= first.det;
    }
}

/// One update.
struct First<M> {
    trace: M,
    discriminant: M,
    det: f64,
}

/// Takes a power from 1 to `count`.
fn raise<M: Algebra>(power: &mut Power<M>, first: &First<M>, count: u64, square: &mut M) {
    match count {
        0 | 1 => {}
        _ if count.is_multiple_of(3) => {
            raise(power, first, count / 3, square);
            power.triple(square);
        }
        _ if count.is_multiple_of(2) => {
            raise(power, first, count / 2, square);
            power.double();
        }
        _ => {
            raise(power, first, count - 1, square);
            power.next(first, square);
        }
    }
}

fn run<M: Algebra>(k: M, step: f64, updates: u64, params: &LoopParameters) -> (M, bool) {
    let (p, q) = (step / params.tau_state, step / params.tau_controller);
    let det = (1.0 - p) * (1.0 - q * params.leak);
    let mut scaled = k.clone();
    scaled.combine(&k, |x, _| p * q * x);
    let mut trace = scaled.clone();
    trace.add_to_diagonal(2.0 - p - q * params.leak);
    let mut identity = k.clone();
    identity.combine(&k, |_, _| 0.0);
    identity.add_to_diagonal(1.0);
    if updates == 0 {
        return (identity, false);
    }
    let mut discriminant = k;
    discriminant.set_product(&trace, &trace);
    discriminant.add_to_diagonal(-4.0 * det);
    let mut square = identity.clone();
    let mut power = Power { u: identity.clone(), t: trace.clone(), det, spare: identity };
    let first = First { trace, discriminant, det };
    raise(&mut power, &first, updates, &mut square);
    // A mode with roots z_1 z_2 = det of modulus 1 or more has |T_N| >= 1 - |det|^N.
    let is_stable = power.det.abs() <= 0.25 && power.t.norm() <= 0.5;
    // det U_{N-1} = (T_1 U_N - T_N) / 2.
    let mut before = square;
    before.set_product(&first.trace, &power.u);
    before.combine(&power.t, |a, b| 0.5 * (a - b));
    // The first update moves the state from rest by step^2 d / (tau_state tau_controller).
    scaled.add_to_diagonal(1.0 - p * q * params.leak);
    power.spare.set_product(&power.u, &scaled);
    power.spare.combine(&before, |a, b| a - b);
    (power.spare, is_stable)
}
