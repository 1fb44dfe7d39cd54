//! `[feedback]`, and the feedback of a rule, to matrices.

use std::sync::Arc;

use nalgebra::DMatrix;

use super::matrix;
use crate::dynamics::Feedback;
use crate::feedback::{Initialiser, jacobian_transpose, weight_product};
use crate::model::spec::{Feedback as Spec, LearnedFeedback, OptimizedFeedback, Start};
use crate::model::{Model, ModelError, Problem};
use crate::network::random::streams;
use crate::network::weights::read_matrices;
use crate::network::{Forward, Network};

/// A feedback table of a model.
#[derive(Debug, Clone, Copy)]
pub struct FeedbackTable<'a> {
    /// The model, for paths, seed and messages.
    pub model: &'a Model,
    /// Where the table is, e.g. `feedback` or `training.rules[2].di.feedback`.
    pub key: &'a str,
    /// What it says.
    pub spec: &'a Spec,
}

impl FeedbackTable<'_> {
    /// The matrices of the loops that invert `weights` = `W_first ..`, in increasing order.
    ///
    /// # Errors
    /// A file that cannot be used, or a variant that does not go with loops.
    pub fn layerwise(
        &self,
        weights: &[Arc<DMatrix<f64>>],
        first: usize,
    ) -> Result<Vec<Feedback>, ModelError> {
        let shapes: Vec<_> = weights.iter().map(|w| (w.ncols(), w.nrows())).collect();
        if let Some(given) = self.given(&shapes)? {
            return Ok(given.into_iter().map(Feedback::from).collect());
        }
        // A tied matrix is the weights seen from the other side.
        if !matches!(self.spec, Spec::NegativeTranspose { .. }) {
            self.model.require_memory(self.key, "the feedback matrices", shapes)?;
        }
        let initialiser = self.initialiser()?;
        let draw = |(w, l): (&Arc<DMatrix<f64>>, usize)| {
            let built = initialiser.feedback(w, self.seed(), streams::FEEDBACK + l as u64);
            built.map_err(|e| self.refused(&e))
        };
        weights.iter().zip(first..).map(draw).collect()
    }

    /// The matrix of a single loop through `weights` = `W_2 .. W_L`.
    ///
    /// # Errors
    /// As [`layerwise`](Self::layerwise).
    pub fn single_loop(&self, weights: &[DMatrix<f64>]) -> Result<DMatrix<f64>, ModelError> {
        let state = weights.first().map_or(0, DMatrix::ncols);
        let controller = weights.last().map_or(0, DMatrix::nrows);
        if let Some(mut given) = self.given(&[(state, controller)])? {
            return Ok(given.swap_remove(0));
        }
        let built = self.initialiser()?.single_loop(weights, self.seed(), streams::FEEDBACK);
        built.map_err(|e| self.refused(&e))
    }

    /// The matrices `Q_l` (n_l x n_L) from an output controller to every layer. `forward` is the
    /// activity at which Jacobians are taken, in its column `column`.
    ///
    /// # Errors
    /// As [`layerwise`](Self::layerwise).
    pub fn controller(
        &self,
        network: &Network,
        forward: &Forward,
        column: usize,
    ) -> Result<Vec<DMatrix<f64>>, ModelError> {
        let output = network.output_size();
        let sizes = network.sizes();
        let shapes: Vec<_> = sizes[1..].iter().map(|&n| (n, output)).collect();
        if let Some(given) = self.given(&shapes)? {
            return Ok(given);
        }
        if matches!(self.spec, Spec::Learned(options) if options.start_scale == 0.0) {
            return Ok(shapes.iter().map(|&(n, m)| DMatrix::zeros(n, m)).collect());
        }
        let scaled = |matrices: Vec<DMatrix<f64>>, scale: f64| {
            matrices.into_iter().map(|m| m * scale).collect()
        };
        match *self.spec {
            Spec::JacobianTranspose { scale, .. } => {
                let jacobian = network.output_jacobian_blocks(forward, column);
                Ok(scaled(jacobian_transpose(&jacobian), scale))
            }
            Spec::WeightProduct { scale } => {
                let weights: Vec<_> = network.layers().iter().map(|l| l.weights.clone()).collect();
                Ok(scaled(weight_product(&weights), scale))
            }
            _ => {
                let initialiser = self.initialiser()?;
                let draw = |(&(n, output), l): (&(usize, usize), usize)| {
                    let shape = DMatrix::zeros(output, n);
                    let stream = streams::FEEDBACK + l as u64;
                    let drawn = initialiser.feedback(&shape, self.seed(), stream);
                    Ok(drawn.map_err(|e| self.refused(&e))?.matrix(&shape))
                };
                shapes.iter().zip(1..).map(draw).collect()
            }
        }
    }

    fn seed(&self) -> u64 {
        self.model.specification().seed
    }

    fn refused(&self, error: &dyn std::error::Error) -> ModelError {
        self.model.refused(&format!("{}.{}", self.key, self.spec.name()), error)
    }

    /// Matrices written in the model, whose shapes were checked with it, or read from a file.
    fn given(&self, shapes: &[(usize, usize)]) -> Result<Option<Vec<DMatrix<f64>>>, ModelError> {
        match self.spec {
            Spec::Values { matrices } => Ok(Some(matrices.iter().map(|m| matrix(m)).collect())),
            Spec::File { path, matrices } => {
                let read = read_matrices(&self.model.path(path), matrices, shapes);
                read.map(Some).map_err(|e| self.refused(&e))
            }
            _ => Ok(None),
        }
    }

    fn initialiser(&self) -> Result<Initialiser, ModelError> {
        Ok(match *self.spec {
            Spec::NegativeTranspose { scale } => Initialiser::NegativeTranspose { scale },
            Spec::Transpose { scale } => Initialiser::Transpose { scale },
            Spec::NegativePseudoinverse { scale } => Initialiser::NegativePseudoinverse { scale },
            Spec::NegativeSign { scale } => Initialiser::NegativeSign { scale },
            Spec::RandomUniform { low, high } => Initialiser::RandomUniform { low, high },
            Spec::RandomNormal { scale } => Initialiser::RandomNormal { scale },
            Spec::Learned(LearnedFeedback { start_scale, .. }) => {
                Initialiser::RandomNormal { scale: start_scale }
            }
            // The start of the descent; `optimized` does the rest.
            Spec::Optimized(OptimizedFeedback { ref start, .. }) => match *start {
                Start::NegativeTranspose { scale } => Initialiser::NegativeTranspose { scale },
                Start::Normal { scale } => Initialiser::RandomNormal { scale },
                Start::Uniform { low, high } => Initialiser::RandomUniform { low, high },
            },
            _ => {
                let problem = Problem::NotAllowed {
                    what: format!("the feedback \"{}\"", self.spec.name()),
                    with: "this use".to_owned(),
                    allowed: vec!["negative-transpose", "random-uniform", "values", "file"],
                };
                return Err(self.model.error(self.key, problem));
            }
        })
    }
}
