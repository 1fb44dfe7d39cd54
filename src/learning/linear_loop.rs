//! Linear inversion loops of one layer, step after step, while the weights learn.

use nalgebra::DMatrix;

use super::LoopFeedback;
use super::propagator::{Ending, Remainder, add_to_diagonal, remainder};
use super::pseudoinverse::solve_columns;
use super::rule::LayerUpdate;
use crate::dynamics::LoopParameters;
use crate::linalg::LinalgError;
use crate::linalg::gemm::matmul_into;
use crate::linalg::kernels;
use crate::linalg::lu::Lu;

/// The loop `tau_state r' = -r + B u`, `tau_controller u' = -leak u + M r - delta` from zero.
///
/// Everything happens in the smaller of the two layers, through `K = M B` or `B M`; with one
/// example per update `K` is carried along instead of being formed anew.
#[derive(Debug)]
pub(super) struct LinearLoop {
    feedback: LoopFeedback,
    /// `B`, as used.
    b: DMatrix<f64>,
    parameters: LoopParameters,
    ending: Ending,
    product: DMatrix<f64>,
    shifted: DMatrix<f64>,
    system: Option<Lu>,
    remainder: Option<Remainder>,
    state: State,
    /// The condition is looked at again.
    checks: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Stale,
    Unfactored,
    Ready,
}

impl LinearLoop {
    pub(super) fn new(
        w: &DMatrix<f64>,
        feedback: LoopFeedback,
        parameters: LoopParameters,
        ending: Ending,
    ) -> Self {
        let n = w.nrows().min(w.ncols());
        Self {
            b: feedback.matrix(w),
            feedback,
            parameters,
            ending,
            product: DMatrix::zeros(n, n),
            shifted: DMatrix::zeros(n, n),
            system: None,
            remainder: None,
            state: State::Stale,
            checks: true,
        }
    }

    /// Whether the loop is known to be stable from its last run.
    pub(super) fn is_known_stable(&self) -> bool {
        self.remainder.as_ref().is_some_and(|remainder| remainder.is_stable)
    }

    /// `B` for the weights `w`.
    pub(super) fn feedback_matrix(&self, w: &DMatrix<f64>) -> DMatrix<f64> {
        self.feedback.matrix(w)
    }

    pub(super) fn set_feedback(&mut self, matrix: DMatrix<f64>) {
        self.b.copy_from(&matrix);
        if let LoopFeedback::Fixed(fixed) = &mut self.feedback {
            *fixed = matrix;
        }
        self.remainder = None;
        self.refresh();
    }

    pub(super) fn refresh(&mut self) {
        self.state = State::Stale;
        self.checks = true;
    }

    /// The matrix `M` is another one, as with operating points.
    pub(super) fn forget(&mut self) {
        self.state = State::Stale;
    }

    /// Writes the state at the end of the loop to `below`, one column per column of `above`.
    pub(super) fn invert(
        &mut self,
        w: &DMatrix<f64>,
        above: &DMatrix<f64>,
        below: &mut DMatrix<f64>,
    ) -> Result<(), LinalgError> {
        self.prepare(w)?;
        let system = self.system.as_ref().expect("prepared");
        let wide = w.nrows() <= w.ncols();
        let mut rest = if wide {
            solve_columns(system, above)
        } else {
            kernels::gemm(&self.b, above.as_slice(), below.as_mut_slice());
            solve_columns(system, below)
        };
        if let Some(remainder) = &self.remainder {
            let mut missing = DMatrix::zeros(rest.nrows(), rest.ncols());
            kernels::gemm(&remainder.matrix, rest.as_slice(), missing.as_mut_slice());
            rest -= missing;
        }
        if wide {
            kernels::gemm(&self.b, rest.as_slice(), below.as_mut_slice());
        } else {
            below.copy_from(&rest);
        }
        Ok(())
    }

    fn prepare(&mut self, w: &DMatrix<f64>) -> Result<(), LinalgError> {
        if self.state == State::Stale {
            if let LoopFeedback::Retied { scale } = self.feedback {
                w.transpose_to(&mut self.b);
                self.b *= -scale;
            }
            let (left, right) = if w.nrows() <= w.ncols() { (w, &self.b) } else { (&self.b, w) };
            matmul_into(1.0, left, right, 0.0, &mut self.product);
            self.state = State::Unfactored;
        }
        if self.state == State::Unfactored {
            self.factor()?;
            self.remainder = remainder(self.ending, &self.product, &self.parameters);
            self.state = State::Ready;
        }
        Ok(())
    }

    fn factor(&mut self) -> Result<(), LinalgError> {
        self.shifted.copy_from(&self.product);
        add_to_diagonal(&mut self.shifted, -self.parameters.leak);
        match &mut self.system {
            Some(system) => system.refactor(&self.shifted)?,
            None => self.system = Some(Lu::without_condition(&self.shifted)?),
        }
        if self.checks {
            self.checks = false;
            let system = self.system.as_ref().expect("just factored");
            let (size, reciprocal_condition) = (system.size(), system.rcond());
            // The threshold of numerical rank: unknowns times the rounding unit.
            if reciprocal_condition <= size as f64 * f64::EPSILON {
                return Err(LinalgError::Singular { size, reciprocal_condition });
            }
        }
        Ok(())
    }

    /// `K` for `W <- keep W + s h^T`: `K <- keep K + s (B^T h)^T`, or `keep K + (B s) h^T`.
    pub(super) fn updating(&mut self, w: &DMatrix<f64>, update: &LayerUpdate<'_>) {
        if self.state == State::Stale || matches!(self.feedback, LoopFeedback::Retied { .. }) {
            self.state = State::Stale;
            return;
        }
        let n = self.product.nrows();
        let mut image = vec![0.0; n];
        let (column, row): (&[f64], &[f64]) = if w.nrows() <= w.ncols() {
            kernels::gemv_transposed(&self.b, update.input, &mut image);
            (update.scaled, &image)
        } else {
            kernels::gemv(&self.b, update.scaled, &mut image);
            (&image, update.input)
        };
        for (k, r) in self.product.as_mut_slice().chunks_exact_mut(n).zip(row) {
            k.iter_mut().zip(column).for_each(|(k, c)| *k = update.keep * *k + c * r);
        }
        self.state = State::Unfactored;
    }
}
