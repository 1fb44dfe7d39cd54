//! `[feedback]` to the matrices of loops.

use std::sync::Arc;

use nalgebra::DMatrix;

use super::matrix;
use crate::dynamics::{Dynamics, Feedback, Structure};
use crate::feedback::{
    Initialiser, Objective, OptimizeError, OptimizeOptions, Optimized, optimize,
    optimize_single_loop,
};
use crate::model::spec::{self, Feedback as Spec, OptimizedFeedback, Start};
use crate::model::{Model, ModelError, Problem};
use crate::network::NetworkError;
use crate::network::random::streams;
use crate::network::weights::read_matrices;

/// The feedback of the loops that invert `weights` = `W_first ..`, in increasing order.
pub(super) fn layerwise(
    model: &Model,
    weights: &[Arc<DMatrix<f64>>],
    first: usize,
) -> Result<Vec<Feedback>, ModelError> {
    let shapes: Vec<_> = weights.iter().map(|w| (w.ncols(), w.nrows())).collect();
    if let Some(given) = given(model, &shapes)? {
        return Ok(given.into_iter().map(Feedback::from).collect());
    }
    let (initialiser, key) = initialiser(model)?;
    let seed = model.specification().seed;
    let layers = weights.iter().zip(first..);
    layers
        .map(|(w, l)| {
            let stream = streams::FEEDBACK + l as u64;
            initialiser.feedback(w, seed, stream).map_err(|e| model.refused(&key, &e))
        })
        .collect()
}

/// The feedback of a single loop through `weights` = `W_2 .. W_L`.
pub(super) fn single_loop(
    model: &Model,
    weights: &[DMatrix<f64>],
) -> Result<DMatrix<f64>, ModelError> {
    let state = weights.first().map_or(0, DMatrix::ncols);
    let controller = weights.last().map_or(0, DMatrix::nrows);
    if let Some(mut given) = given(model, &[(state, controller)])? {
        return Ok(given.remove(0));
    }
    let (initialiser, key) = initialiser(model)?;
    let seed = model.specification().seed;
    initialiser.single_loop(weights, seed, streams::FEEDBACK).map_err(|e| model.refused(&key, &e))
}

/// The feedback that stabilises `dynamics`, a loop closed by the start of `[feedback.optimized]`,
/// linearised at its initial state for the first target; `None` for other feedback.
pub(super) fn optimized(
    model: &Model,
    dynamics: &dyn Dynamics,
) -> Result<Option<DMatrix<f64>>, ModelError> {
    let Some(Spec::Optimized(spec)) = &model.specification().feedback else { return Ok(None) };
    let options = OptimizeOptions {
        margin: spec.margin,
        smoothing: spec.smoothing,
        max_iterations: spec.max_iterations,
        objective: match spec.objective {
            spec::Objective::Auto => Objective::Auto,
            spec::Objective::Full => Objective::Full,
            spec::Objective::Reduced => Objective::Reduced,
        },
    };
    let result = match dynamics.structure(0.0, &dynamics.initial_state(), 0) {
        Structure::LayerLoops(loops) => match loops.as_slice() {
            [layer] => optimize(layer, &options),
            _ => return Ok(None),
        },
        Structure::SingleLoop(chain) => optimize_single_loop(&chain, &options),
        Structure::Dense => return Ok(None),
    };
    let key = "feedback.optimized";
    let optimized = result.map_err(|e| {
        let key = match e {
            OptimizeError::Unreachable { .. } => "feedback.optimized.margin",
            _ => key,
        };
        model.refused(key, &e)
    })?;
    let Optimized { feedback, abscissa, iterations, reached, .. } = optimized;
    if reached {
        return Ok(Some(feedback));
    }
    let problem = Problem::Refused {
        message: format!(
            "the descent ended at the spectral abscissa {abscissa:.6} after {iterations} steps, \
             short of -margin = {}",
            -options.margin
        ),
        remedy: "lower margin, raise max_iterations or start elsewhere".to_owned(),
    };
    Err(model.error(key, problem))
}

/// Matrices written in the model or read from a file.
fn given(
    model: &Model,
    shapes: &[(usize, usize)],
) -> Result<Option<Vec<DMatrix<f64>>>, ModelError> {
    let (matrices, key) = match &model.specification().feedback {
        Some(Spec::Values { matrices }) => {
            (matrices.iter().map(|m| matrix(m)).collect::<Vec<_>>(), "feedback.values.matrices")
        }
        Some(Spec::File { path, matrices }) => {
            let read = read_matrices(&model.path(path), matrices, shapes);
            let read = read.map_err(|e| model.refused("feedback.file", &NetworkError::from(e)))?;
            (read, "feedback.file")
        }
        _ => return Ok(None),
    };
    if matrices.len() != shapes.len() {
        let problem = Problem::WrongLength {
            what: "the list of feedback matrices".to_owned(),
            found: matrices.len(),
            expected: shapes.len(),
            because: "one per loop, in increasing order of the inverted layer".to_owned(),
        };
        return Err(model.error(key, problem));
    }
    for (k, (m, &expected)) in matrices.iter().zip(shapes).enumerate() {
        if m.shape() != expected {
            let problem = Problem::WrongShape {
                what: "the feedback matrix".to_owned(),
                found: m.shape(),
                expected,
                because: "state units x controller units".to_owned(),
            };
            return Err(model.error(&format!("{key}[{k}]"), problem));
        }
    }
    Ok(Some(matrices))
}

fn initialiser(model: &Model) -> Result<(Initialiser, String), ModelError> {
    let default = Spec::NegativeTranspose { scale: 1.0 };
    let spec = model.specification().feedback.as_ref().unwrap_or(&default);
    let initialiser = match *spec {
        Spec::NegativeTranspose { scale } => Initialiser::NegativeTranspose { scale },
        Spec::Transpose { scale } => Initialiser::Transpose { scale },
        Spec::NegativePseudoinverse { scale } => Initialiser::NegativePseudoinverse { scale },
        Spec::NegativeSign { scale } => Initialiser::NegativeSign { scale },
        Spec::RandomUniform { low, high } => Initialiser::RandomUniform { low, high },
        Spec::RandomNormal { scale } => Initialiser::RandomNormal { scale },
        // The start of the descent; `optimized` and `optimized_single_loop` do the rest.
        Spec::Optimized(OptimizedFeedback { ref start, .. }) => match *start {
            Start::NegativeTranspose { scale } => Initialiser::NegativeTranspose { scale },
            Start::Normal { scale } => Initialiser::RandomNormal { scale },
            Start::Uniform { low, high } => Initialiser::RandomUniform { low, high },
        },
        Spec::Values { .. }
        | Spec::File { .. }
        | Spec::JacobianTranspose { .. }
        | Spec::WeightProduct { .. }
        | Spec::Learned(_) => {
            let problem = Problem::NotAllowed {
                what: "this feedback".to_owned(),
                with: "an inversion loop".to_owned(),
                allowed: vec!["negative-transpose", "negative-pseudoinverse", "negative-sign"],
            };
            return Err(model.error("feedback", problem));
        }
    };
    let key = match spec {
        Spec::Optimized(_) => "feedback.optimized.start".to_owned(),
        _ => format!("feedback.{}", initialiser.name()),
    };
    Ok((initialiser, key))
}
