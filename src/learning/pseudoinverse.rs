//! `W^+ delta` step after step, while `W` learns.

use nalgebra::DMatrix;

use super::rule::LayerUpdate;
use crate::linalg::LinalgError;
use crate::linalg::gemm::{matmul_nt_into, matmul_tn_into};
use crate::linalg::kernels;
use crate::linalg::lu::Lu;
use crate::linalg::svd::pseudoinverse;

/// Reciprocal condition of the Gram matrix below which the normal equations are given up: after one
/// step of refinement their error is its square times the rounding unit (Bjorck, Numerical Methods
/// for Least Squares Problems, 1996, section 6.6.5).
const ILL_CONDITIONED: f64 = 1e-7;

/// Applies the pseudoinverse of one layer's weights.
///
/// It goes through the Gram matrix of the smaller side, `W W^T` or `W^T W`, corrected by one step
/// of refinement; with one example per update the Gram matrix is carried along. Ill-conditioned
/// layers go through the singular value decomposition, which knows the rank.
#[derive(Debug)]
pub(super) struct Pseudoinversion {
    cutoff: f64,
    gram: DMatrix<f64>,
    system: Option<Lu>,
    state: State,
    /// `W^+` where it was formed.
    dense: DMatrix<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The Gram matrix is out of date.
    Stale,
    /// The Gram matrix is right, its factors are not.
    Unfactored,
    /// The factors are right.
    Factored,
    /// `dense` is right.
    Dense,
}

impl Pseudoinversion {
    pub(super) fn new(w: &DMatrix<f64>, cutoff: f64) -> Self {
        let n = w.nrows().min(w.ncols());
        Self {
            cutoff,
            gram: DMatrix::zeros(n, n),
            system: None,
            state: State::Stale,
            dense: DMatrix::zeros(0, 0),
        }
    }

    pub(super) fn refresh(&mut self) {
        self.state = State::Stale;
    }

    /// `below = W^+ above`.
    pub(super) fn solve(
        &mut self,
        w: &DMatrix<f64>,
        above: &DMatrix<f64>,
        below: &mut DMatrix<f64>,
    ) -> Result<(), LinalgError> {
        self.prepare(w)?;
        if self.state == State::Dense {
            kernels::gemm(&self.dense, above.as_slice(), below.as_mut_slice());
            return Ok(());
        }
        self.normal_equations(w, above, below);
        let mut mismatch = above.clone();
        let mut image = DMatrix::zeros(above.nrows(), above.ncols());
        kernels::gemm(w, below.as_slice(), image.as_mut_slice());
        mismatch -= image;
        let mut correction = DMatrix::zeros(below.nrows(), below.ncols());
        self.normal_equations(w, &mismatch, &mut correction);
        *below += correction;
        Ok(())
    }

    /// `W^T (W W^T)^{-1} x` or `(W^T W)^{-1} W^T x`.
    fn normal_equations(&self, w: &DMatrix<f64>, x: &DMatrix<f64>, out: &mut DMatrix<f64>) {
        let system = self.system.as_ref().expect("factored before it is used");
        if w.nrows() <= w.ncols() {
            let z = solve_columns(system, x);
            kernels::gemm_transposed(w, z.as_slice(), out.as_mut_slice());
        } else {
            kernels::gemm_transposed(w, x.as_slice(), out.as_mut_slice());
            *out = solve_columns(system, out);
        }
    }

    fn prepare(&mut self, w: &DMatrix<f64>) -> Result<(), LinalgError> {
        if matches!(self.state, State::Factored | State::Dense) {
            return Ok(());
        }
        if self.state == State::Stale {
            if w.nrows() <= w.ncols() {
                matmul_nt_into(1.0, w, w, 0.0, &mut self.gram);
            } else {
                matmul_tn_into(1.0, w, w, 0.0, &mut self.gram);
            }
        }
        if self.factor() {
            self.state = State::Factored;
            return Ok(());
        }
        let largest = crate::linalg::svd::singular_values(w)?.iter().copied().fold(0.0, f64::max);
        self.dense = pseudoinverse(w, Some(self.cutoff * largest))?.matrix;
        self.state = State::Dense;
        Ok(())
    }

    /// Factors the Gram matrix; `false` when it is not regular enough.
    fn factor(&mut self) -> bool {
        let factored = match &mut self.system {
            Some(system) => system.refactor(&self.gram).is_ok(),
            None => {
                self.system = Lu::without_condition(&self.gram).ok();
                self.system.is_some()
            }
        };
        factored && self.system.as_ref().is_some_and(|lu| lu.rcond() > ILL_CONDITIONED)
    }

    /// `W W^T` for `W <- keep W + s h^T`: two vectors change it.
    pub(super) fn updating(&mut self, w: &DMatrix<f64>, update: &LayerUpdate<'_>) {
        let carried =
            w.nrows() <= w.ncols() && matches!(self.state, State::Factored | State::Unfactored);
        if !carried {
            self.state = State::Stale;
            return;
        }
        let n = w.nrows();
        let (keep, s) = (update.keep, update.scaled);
        let mut p = vec![0.0; n];
        kernels::gemv(w, update.input, &mut p);
        let square: f64 = update.input.iter().map(|h| h * h).sum();
        for j in 0..n {
            for i in 0..n {
                let change = keep * (p[i] * s[j] + s[i] * p[j]) + square * s[i] * s[j];
                self.gram[(i, j)] = keep * keep * self.gram[(i, j)] + change;
            }
        }
        self.state = State::Unfactored;
    }
}

/// Solves for every column, without allocating for the factors.
pub(super) fn solve_columns(system: &Lu, x: &DMatrix<f64>) -> DMatrix<f64> {
    if x.ncols() > 4 {
        return system.solve_columns(x);
    }
    let mut out = x.clone();
    let mut work = vec![0.0; x.nrows()];
    for column in out.as_mut_slice().chunks_exact_mut(x.nrows()) {
        system.solve_in_place(column, &mut work);
    }
    out
}
