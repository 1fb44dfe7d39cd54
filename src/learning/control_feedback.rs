//! The feedback matrices of deep feedback control in training, and the controlled network.

use nalgebra::DMatrix;

use super::LearningError;
use super::feedback::check;
use super::rule::Pass;
use crate::dynamics::{ControlFeedback, ControlParameters, DeepFeedbackControl, DynamicsError};
use crate::feedback::{jacobian_transpose, weight_product};
use crate::network::{Forward, Network};

/// Where the matrices `Q_l` (`n_l x n_L`) come from.
#[derive(Debug, Clone, PartialEq)]
pub enum DfcFeedback {
    /// `scale J_l^T`, of the feedforward state of every example or of the state of the moment.
    JacobianTranspose {
        /// The factor.
        scale: f64,
        /// Whether the Jacobian follows the voltages.
        recomputed: bool,
    },
    /// `scale W_{l+1}^T .. W_L^T` with the weights of the moment.
    WeightProduct {
        /// The factor.
        scale: f64,
    },
    /// Matrices that stay as they are unless they are replaced.
    Fixed(Vec<DMatrix<f64>>),
}

/// The network of a pass under control.
pub(super) fn control(
    network: &Network,
    forward: &Forward,
    target: DMatrix<f64>,
    feedback: &DfcFeedback,
    parameters: ControlParameters,
) -> Result<DeepFeedbackControl, DynamicsError> {
    let fixed = match feedback {
        DfcFeedback::JacobianTranspose { scale, recomputed: false } => {
            return DeepFeedbackControl::tied(network, forward, target, *scale, parameters);
        }
        DfcFeedback::JacobianTranspose { scale, .. } => {
            ControlFeedback::Recomputed { scale: *scale }
        }
        DfcFeedback::WeightProduct { scale } => {
            let weights: Vec<_> = network.layers().iter().map(|l| l.weights.clone()).collect();
            let product = weight_product(&weights);
            ControlFeedback::Shared(product.into_iter().map(|q| q * *scale).collect())
        }
        DfcFeedback::Fixed(matrices) => ControlFeedback::Shared(matrices.clone()),
    };
    DeepFeedbackControl::new(network, forward, target, fixed, parameters)
}

pub(super) fn refused(source: DynamicsError) -> LearningError {
    LearningError::Dynamics { layer: 0, source }
}

pub(super) fn check_feedback(
    rule: &'static str,
    network: &Network,
    feedback: &DfcFeedback,
) -> Result<(), LearningError> {
    let DfcFeedback::Fixed(matrices) = feedback else { return Ok(()) };
    let output = network.output_size();
    let shapes: Vec<_> = network.sizes()[1..].iter().map(|n| (*n, output)).collect();
    check(rule, matrices.iter().map(Some), &shapes)
}

/// `y + nudge (target - y)`, from the output error.
pub(super) fn nudged(pass: &Pass<'_>, error: &DMatrix<f64>, nudge: f64) -> DMatrix<f64> {
    pass.forward.output() + error * nudge
}

/// `Q_l` for one example, at the feedforward state.
pub(super) fn matrices_at(
    feedback: &DfcFeedback,
    pass: &Pass<'_>,
    column: usize,
) -> Vec<DMatrix<f64>> {
    let scaled = |q: Vec<DMatrix<f64>>, scale: f64| q.into_iter().map(|q| q * scale).collect();
    match feedback {
        DfcFeedback::JacobianTranspose { scale, .. } => {
            let blocks = pass.network.output_jacobian_blocks(pass.forward, column);
            scaled(jacobian_transpose(&blocks), *scale)
        }
        DfcFeedback::WeightProduct { scale } => {
            let weights: Vec<_> = pass.network.layers().iter().map(|l| l.weights.clone()).collect();
            scaled(weight_product(&weights), *scale)
        }
        DfcFeedback::Fixed(matrices) => matrices.clone(),
    }
}

/// The matrices that are kept between updates.
pub(super) fn fixed_matrices(feedback: &DfcFeedback) -> Vec<DMatrix<f64>> {
    match feedback {
        DfcFeedback::Fixed(matrices) => matrices.clone(),
        _ => Vec::new(),
    }
}

pub(super) fn replace(feedback: &mut DfcFeedback, matrices: Vec<DMatrix<f64>>) {
    if let DfcFeedback::Fixed(kept) = feedback
        && kept.len() == matrices.len()
    {
        *kept = matrices;
    }
}
