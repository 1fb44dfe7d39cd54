//! Angles, norms and residuals of errors and of the updates they make.

use std::ops::Range;

use nalgebra::DMatrix;

use super::Scene;
use super::references::Reference;
use super::report::Against;
use crate::analysis::geometry::OutputJacobians;
use crate::learning::{Errors, angle};
use crate::linalg::gemm::matmul_nt;
use crate::network::Output;

/// The mean update of the parameters over the examples, `dW_l = mean delta_l h_{l-1}^T` column by
/// column, then `db_l = mean delta_l` where biases learn, layer after layer.
pub(super) struct Update {
    pub parameters: Vec<f64>,
    pub layers: Vec<Range<usize>>,
}

impl Update {
    pub fn new(scene: &Scene, delta: &[DMatrix<f64>]) -> Self {
        let (mut parameters, mut layers) = (Vec::new(), Vec::new());
        let scale = 1.0 / scene.forward.columns() as f64;
        for (k, delta) in delta.iter().enumerate() {
            let from = parameters.len();
            let weights = matmul_nt(delta, scene.forward.layer_input(k));
            parameters.extend(weights.iter().map(|w| scale * w));
            if scene.biases {
                parameters.extend(delta.column_sum().iter().map(|b| scale * b));
            }
            layers.push(from..parameters.len());
        }
        Self { parameters, layers }
    }

    /// Norm of every layer's update.
    pub fn norms(&self) -> Vec<f64> {
        self.layers.iter().map(|range| norm(&self.parameters[range.clone()])).collect()
    }
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// A rule beside one direction.
pub(super) fn against(
    scene: &Scene,
    errors: &Errors,
    update: &Update,
    reference: &Reference,
) -> Against {
    let pairs = || errors.delta.iter().zip(&reference.delta);
    let ranges = || update.layers.iter();
    let (own, other) = (&update.parameters, &reference.update.parameters);
    let delta_angle = |(a, b): (&DMatrix<f64>, &DMatrix<f64>)| {
        let (mut sum, mut count) = (0.0, 0.0);
        for c in 0..scene.forward.columns() {
            let found = angle(a.column(c).as_slice(), b.column(c).as_slice());
            if errors.converged[c] && found.is_finite() {
                sum += found;
                count += 1.0;
            }
        }
        sum / count
    };
    Against {
        reference: reference.name.clone(),
        angle: pairs().map(delta_angle).collect(),
        norm_ratio: pairs().map(|(a, b)| a.norm() / b.norm()).collect(),
        update_angle: ranges().map(|r| angle(&own[r.clone()], &other[r.clone()])).collect(),
        update_norm_ratio: ranges()
            .map(|r| norm(&own[r.clone()]) / norm(&other[r.clone()]))
            .collect(),
        total_angle: angle(own, other),
        total_norm_ratio: norm(own) / norm(other),
    }
}

/// What the errors leave of the output error to first order, `|e - (dy/da_l) delta_l| / |e|` over
/// all examples, for every layer alone, then for all together.
pub(super) fn residuals(scene: &Scene, delta: &[DMatrix<f64>]) -> Vec<f64> {
    let mut squares = vec![0.0; delta.len() + 1];
    for column in 0..scene.forward.columns() {
        let jacobians = OutputJacobians::new(&scene.network, &scene.forward, column..column + 1);
        let error = scene.error.column(column).into_owned();
        let mut left = error.clone();
        for (k, delta) in delta.iter().enumerate() {
            let mut change = jacobians.transposed(k, 0).tr_mul(&delta.column(column));
            if scene.network.output() == Output::Softmax {
                let p = scene.forward.output().column(column);
                let mean = p.dot(&change);
                change.iter_mut().zip(p.iter()).for_each(|(y, p)| *y = p * (*y - mean));
            }
            squares[k] += (&error - &change).norm_squared();
            left -= change;
        }
        squares[delta.len()] += left.norm_squared();
    }
    squares.iter().map(|s| s.sqrt() / scene.error.norm()).collect()
}
