//! Feedback matrices of rules: fixed at their initial value, or following the weights.

use nalgebra::DMatrix;

use super::LearningError;
use crate::network::Network;

/// The feedback of one loop.
#[derive(Debug, Clone, PartialEq)]
pub enum LoopFeedback {
    /// A matrix that stays as it is while the weights learn.
    Fixed(DMatrix<f64>),
    /// `-scale W^T` with the weights of the moment.
    Retied {
        /// The factor; negative feedback when positive.
        scale: f64,
    },
}

impl LoopFeedback {
    /// The matrix for a loop with weights `w`.
    #[must_use]
    pub fn matrix(&self, w: &DMatrix<f64>) -> DMatrix<f64> {
        match self {
            Self::Fixed(matrix) => matrix.clone(),
            Self::Retied { scale } => w.transpose() * -scale,
        }
    }
}

/// Refuses lists that do not hold one matrix of each shape.
pub(super) fn check<'a>(
    rule: &'static str,
    matrices: impl ExactSizeIterator<Item = Option<&'a DMatrix<f64>>>,
    shapes: &[(usize, usize)],
) -> Result<(), LearningError> {
    if matrices.len() != shapes.len() {
        let (found, expected) = (matrices.len(), shapes.len());
        return Err(LearningError::FeedbackCount { rule, found, expected });
    }
    for (index, (matrix, &(expected_rows, expected_columns))) in matrices.zip(shapes).enumerate() {
        let Some(matrix) = matrix else { continue };
        let (rows, columns) = matrix.shape();
        if (rows, columns) != (expected_rows, expected_columns) {
            return Err(LearningError::FeedbackShape {
                rule,
                index,
                rows,
                columns,
                expected_rows,
                expected_columns,
            });
        }
        if matrix.iter().any(|x| !x.is_finite()) {
            return Err(LearningError::NonFinite { what: "feedback", layer: index + 1 });
        }
    }
    Ok(())
}

/// Shapes `n_{l-1} x n_l` of the loops that invert layers `2..L`.
pub(super) fn loop_shapes(network: &Network) -> Vec<(usize, usize)> {
    network.sizes()[1..].windows(2).map(|n| (n[0], n[1])).collect()
}

/// Shapes `n_l x n_L` of direct feedback to the hidden layers.
pub(super) fn direct_shapes(network: &Network) -> Vec<(usize, usize)> {
    let sizes = network.sizes();
    let last = sizes.len() - 1;
    sizes[1..last].iter().map(|&n| (n, sizes[last])).collect()
}
