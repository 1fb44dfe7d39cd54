//! The part of a loop's Jacobian that matters for 2-norms, in few states.
//!
//! In a loop with `n` state units and `m` controller units let `Q` be an orthonormal basis of the
//! span of the columns of `B` and of the rows of `M = W G`, at most `2 m` vectors. A state
//! orthogonal to it is not driven by the controller and not seen by it, so it decays as
//! `e^{-t/tau_state}` and the orthogonal complement is invariant under `J` and under `J^T`: `J` is
//! orthogonally similar to `J_Q` and `-I/tau_state` side by side. Numerical abscissa, stability
//! radius, `|e^{Jt}|` and pseudospectra follow from the two parts. With more controllers than
//! states the same holds with the roles exchanged and the rate `leak/tau_controller`.

use nalgebra::DMatrix;

use crate::analysis::error::AnalysisError;
use crate::dynamics::LayerLoop;
use crate::linalg::gemm::{matmul, matmul_tn};
use crate::linalg::qr::orthonormal_columns;
use crate::linalg::symmetric;

/// A Jacobian up to an orthogonal change of basis.
#[derive(Debug, Clone, PartialEq)]
pub struct Compressed {
    /// The part that is not a multiple of the identity.
    pub matrix: DMatrix<f64>,
    /// The other part is this number times the identity, if there is another part.
    pub rest: Option<f64>,
}

impl Compressed {
    /// The whole of a Jacobian without known structure.
    #[must_use]
    pub fn whole(jacobian: DMatrix<f64>) -> Self {
        Self { matrix: jacobian, rest: None }
    }

    /// The Jacobian of a layer loop.
    ///
    /// # Errors
    /// Entries that are not finite.
    pub fn layer_loop(layer: &LayerLoop) -> Result<Self, AnalysisError> {
        let (m, n) = layer.forward.shape();
        let failed = || AnalysisError::linalg("an orthonormal basis of the loop");
        if n > 2 * m {
            let q = orthonormal_columns(&beside(&layer.feedback, &layer.forward.transpose()))
                .map_err(failed())?;
            let forward = matmul(&layer.forward, &q);
            let feedback = matmul_tn(&q, &layer.feedback);
            let matrix = assemble(layer, &forward, &feedback);
            return Ok(Self { matrix, rest: Some(-1.0 / layer.tau_state) });
        }
        if m > 2 * n {
            let q = orthonormal_columns(&beside(&layer.forward, &layer.feedback.transpose()))
                .map_err(failed())?;
            let forward = matmul_tn(&q, &layer.forward);
            let feedback = matmul(&layer.feedback, &q);
            let matrix = assemble(layer, &forward, &feedback);
            return Ok(Self { matrix, rest: Some(-layer.leak / layer.tau_controller) });
        }
        Ok(Self::whole(assemble(layer, &layer.forward, &layer.feedback)))
    }

    /// `lambda_max((J + J^T)/2)`: the fastest instantaneous growth of the Euclidean norm, 1/s.
    ///
    /// # Errors
    /// Entries that are not finite, no convergence.
    pub fn numerical_abscissa(&self) -> Result<f64, AnalysisError> {
        let part = symmetric::numerical_abscissa(&self.matrix)
            .map_err(AnalysisError::linalg("the numerical abscissa"))?;
        Ok(self.rest.map_or(part, |rest| rest.max(part)))
    }
}

/// The Jacobian of a layer loop, state first.
#[must_use]
pub fn layer_loop_jacobian(layer: &LayerLoop) -> DMatrix<f64> {
    assemble(layer, &layer.forward, &layer.feedback)
}

fn beside(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    let mut both = DMatrix::zeros(a.nrows(), a.ncols() + b.ncols());
    both.columns_mut(0, a.ncols()).copy_from(a);
    both.columns_mut(a.ncols(), b.ncols()).copy_from(b);
    both
}

fn assemble(layer: &LayerLoop, forward: &DMatrix<f64>, feedback: &DMatrix<f64>) -> DMatrix<f64> {
    let (m, n) = forward.shape();
    let mut jacobian = DMatrix::zeros(n + m, n + m);
    for i in 0..n {
        jacobian[(i, i)] = -1.0 / layer.tau_state;
    }
    for i in n..n + m {
        jacobian[(i, i)] = -layer.leak / layer.tau_controller;
    }
    jacobian.view_mut((0, n), (n, m)).copy_from(&(feedback / layer.tau_state));
    jacobian.view_mut((n, 0), (m, n)).copy_from(&(forward / layer.tau_controller));
    jacobian
}
