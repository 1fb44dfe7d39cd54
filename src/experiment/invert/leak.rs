//! The leak of dynamic inversion beside the damping of Levenberg and Marquardt.
//!
//! Loops with the tangent transfer and feedback `-(W_l D_{l-1})^T`, top first, come to rest at
//! `r_{l-1} = M^T (M M^T + leak I)^{-1} r_l` with `M = W_l D_{l-1}`. At the last hidden layer of a
//! network with linear output this is the Levenberg-Marquardt step on its pre-activations with
//! `damping = leak`; below it is so only in the limit, and only where layers are square.

use nalgebra::{DMatrix, DVector};

use super::report::LeakReport;
use super::{InvertError, Scene};
use crate::analysis::geometry::{Geometry, GeometryBlocks, StepKind, Weighting};
use crate::learning::angle;
use crate::linalg::LinalgError;
use crate::linalg::gemm::{matmul_nt, matmul_tn};
use crate::linalg::lu::Lu;
use crate::linalg::svd::pseudoinverse;

/// Examples compared; more would change the mean little.
const EXAMPLES: usize = 32;

pub(super) fn against_damping(
    scene: &Scene,
    dampings: &[f64],
) -> Result<Vec<LeakReport>, InvertError> {
    dampings.iter().map(|damping| one(scene, *damping)).collect()
}

fn one(scene: &Scene, damping: f64) -> Result<LeakReport, InvertError> {
    let failed = |source| InvertError::Reference {
        direction: format!("levenberg-marquardt-block {damping}"),
        source,
    };
    let hidden = scene.network.layers().len() - 1;
    let count = scene.forward.columns().min(EXAMPLES);
    let kind = StepKind {
        weighting: Weighting::PreActivations,
        blocks: GeometryBlocks::Layer,
        damping,
        cutoff: 0.0,
    };
    let (mut angles, mut ratios) = (vec![0.0; hidden], vec![0.0; hidden]);
    for column in 0..count {
        let range = column..column + 1;
        let geometry = Geometry::new(&scene.network, &scene.forward, &scene.error, range);
        let step = geometry.step(&kind).map_err(failed)?;
        let loops = layerwise(scene, column, damping).map_err(failed)?;
        for (k, own) in loops.iter().enumerate() {
            let other = step.delta[k].column(0).into_owned();
            angles[k] += angle(own.as_slice(), other.as_slice()) / count as f64;
            ratios[k] += own.norm() / other.norm() / count as f64;
        }
    }
    Ok(LeakReport { damping, angle: angles, norm_ratio: ratios, examples: count })
}

/// The states of the loops at rest, hidden layers in increasing order.
fn layerwise(scene: &Scene, column: usize, leak: f64) -> Result<Vec<DVector<f64>>, LinalgError> {
    let layers = scene.network.layers();
    let mut error = scene.error.column(column).into_owned();
    let mut found = Vec::new();
    for k in (1..layers.len()).rev() {
        let mut slopes = DMatrix::zeros(layers[k - 1].units(), scene.forward.columns());
        scene.network.slopes(&scene.forward, k - 1, slopes.as_mut_slice());
        let mut m = layers[k].weights.clone();
        for (mut w, slope) in m.column_iter_mut().zip(slopes.column(column).iter()) {
            w *= *slope;
        }
        error = at_rest(&m, &error, leak)?;
        found.push(error.clone());
    }
    found.reverse();
    Ok(found)
}

/// `M^T (M M^T + leak I)^{-1} d`, through the smaller of the two systems.
fn at_rest(m: &DMatrix<f64>, d: &DVector<f64>, leak: f64) -> Result<DVector<f64>, LinalgError> {
    if leak == 0.0 {
        return Ok(pseudoinverse(m, None)?.matrix * d);
    }
    let wide = m.nrows() <= m.ncols();
    let mut system = if wide { matmul_nt(m, m) } else { matmul_tn(m, m) };
    for i in 0..system.nrows() {
        system[(i, i)] += leak;
    }
    let system = Lu::without_condition(&system)?;
    Ok(if wide { m.tr_mul(&system.solve(d)) } else { system.solve(&m.tr_mul(d)) })
}
