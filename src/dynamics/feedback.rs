//! The feedback matrix of a loop.

use std::sync::Arc;

use nalgebra::DMatrix;

use super::error::{DynamicsError, require_finite, require_finite_number, require_shape};
use crate::linalg::kernels;

/// The matrix `B` through which a controller drives a state.
///
/// A tied matrix is kept as such: `W x` and `W^T u` then come from one pass over `W`, and nothing
/// is stored twice.
#[derive(Debug, Clone, PartialEq)]
pub enum Feedback {
    /// `B = -scale W^T`: the feedback `negative-transpose`, or `transpose` with `scale = -1`.
    Tied {
        /// The factor; negative feedback when positive.
        scale: f64,
    },
    /// Any matrix, state units x controller units.
    Matrix(Arc<DMatrix<f64>>),
}

impl From<DMatrix<f64>> for Feedback {
    fn from(matrix: DMatrix<f64>) -> Self {
        Self::Matrix(Arc::new(matrix))
    }
}

impl Feedback {
    /// `B` as a dense matrix for a loop with weights `w`.
    #[must_use]
    pub fn matrix(&self, w: &DMatrix<f64>) -> DMatrix<f64> {
        match self {
            Self::Tied { scale } => w.transpose() * -scale,
            Self::Matrix(b) => b.as_ref().clone(),
        }
    }

    /// Refuses a matrix that does not fit the weights `w` or holds an entry that is not finite.
    pub(crate) fn check(&self, w: &DMatrix<f64>) -> Result<(), DynamicsError> {
        match self {
            Self::Tied { scale } => require_finite_number("scale", *scale),
            Self::Matrix(b) => {
                require_shape("feedback matrix", b, (w.ncols(), w.nrows()))?;
                require_finite("feedback matrix", b)
            }
        }
    }

    /// `B u` up to the returned factor: `B u = factor * out`. The columns of `u` are targets.
    pub(crate) fn product(&self, w: &DMatrix<f64>, u: &[f64], out: &mut [f64]) -> f64 {
        match self {
            Self::Tied { scale } => {
                kernels::gemm_transposed(w, u, out);
                -scale
            }
            Self::Matrix(b) => {
                kernels::gemm(b, u, out);
                1.0
            }
        }
    }
}
