//! Feedback from an output controller to every layer, for deep feedback control.

use nalgebra::DMatrix;
use rand_distr::StandardNormal;

use super::initial::random_matrix;
use crate::linalg::gemm::matmul_tn;

/// `Q_l = J_l^T` with `J_l = d output / d voltage_l` (n_L x n_l), the choice whose steady state is
/// a damped Gauss-Newton step (Meulemans et al. 2021, arXiv:2106.07887).
#[must_use]
pub fn jacobian_transpose(output_jacobian: &[DMatrix<f64>]) -> Vec<DMatrix<f64>> {
    output_jacobian.iter().map(DMatrix::transpose).collect()
}

/// `Q_l = W_{l+1}^T .. W_L^T` (n_l x n_L), `Q_L = I`, for `weights` = `W_1 .. W_L`.
#[must_use]
pub fn weight_product(weights: &[DMatrix<f64>]) -> Vec<DMatrix<f64>> {
    let output = weights.last().map_or(0, DMatrix::nrows);
    let mut feedback = vec![DMatrix::identity(output, output)];
    for w in weights.iter().skip(1).rev() {
        let next = matmul_tn(w, feedback.last().expect("starts with one matrix"));
        feedback.push(next);
    }
    feedback.reverse();
    feedback
}

/// Normal `Q_l` with standard deviation `scale / sqrt(n_L)`; layer `l` draws from `stream + l`.
#[must_use]
pub fn random_controller(sizes: &[usize], scale: f64, seed: u64, stream: u64) -> Vec<DMatrix<f64>> {
    let output = *sizes.last().unwrap_or(&0);
    let deviation = scale / (output as f64).sqrt();
    let layers = sizes.iter().enumerate().skip(1);
    layers
        .map(|(l, &n)| {
            random_matrix(n, output, seed, stream + l as u64, &StandardNormal) * deviation
        })
        .collect()
}
