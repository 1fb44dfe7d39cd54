//! Random systems that several checks share.

use std::sync::Arc;

use nalgebra::{DMatrix, DVector};

use super::check::Obstacle;
use super::draw::Draw;
use super::model_text::ModelText;
use crate::dynamics::{Feedback, LayerLoop, LayerwiseInversion, LoopParameters, Transfer};
use crate::linalg::expm::expm;
use crate::network::{Activation, Initialiser, Layer, Network, Output};

/// A layer loop with its target.
#[derive(Debug, Clone)]
pub struct LoopInstance {
    /// `W`.
    pub w: DMatrix<f64>,
    /// `B`.
    pub b: DMatrix<f64>,
    /// `delta`.
    pub delta: DVector<f64>,
    /// Leak and time constants.
    pub parameters: LoopParameters,
}

/// How the feedback of an instance is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedbackKind {
    /// `-s W^T`.
    Transpose,
    /// `-P W^T R` with `P` positive diagonal and `R` symmetric positive definite.
    Certified,
    /// Independent normal entries: often unstable.
    Random,
    /// `-W^T` turned part of the way to random entries: complex eigenvalues.
    Turned,
}

/// Every kind.
pub const KINDS: [FeedbackKind; 4] =
    [FeedbackKind::Transpose, FeedbackKind::Certified, FeedbackKind::Random, FeedbackKind::Turned];

impl LoopInstance {
    /// A loop with feedback of one of these kinds, up to 8 by 8 units (24 by 24 when thorough).
    ///
    /// # Errors
    /// When a factorisation fails.
    pub fn draw(draw: &mut Draw, kinds: &[FeedbackKind]) -> Result<Self, Obstacle> {
        let (rows, columns) = (draw.units(8, 24), draw.units(8, 24));
        Self::sized(draw, kinds, rows, columns)
    }

    /// A loop with `rows` controller units and `columns` state units.
    ///
    /// # Errors
    /// When a factorisation fails.
    pub fn sized(
        draw: &mut Draw,
        kinds: &[FeedbackKind],
        rows: usize,
        columns: usize,
    ) -> Result<Self, Obstacle> {
        let w = draw.weights(rows, columns);
        let b = match draw.pick(kinds) {
            FeedbackKind::Transpose => w.transpose() * -draw.log_uniform(0.2, 5.0),
            FeedbackKind::Certified => certified_feedback(draw, &w)?.b,
            FeedbackKind::Random => draw.matrix(columns, rows, 1.0 / (rows as f64).sqrt()),
            FeedbackKind::Turned => {
                let turn = draw.uniform(0.1, 0.9);
                draw.matrix(columns, rows, turn / (rows as f64).sqrt())
                    - w.transpose() * (1.0 - turn)
            }
        };
        let parameters = LoopParameters {
            leak: draw.log_uniform(0.05, 1.0),
            tau_state: draw.log_uniform(0.2, 5.0),
            tau_controller: draw.log_uniform(0.2, 5.0),
        };
        Ok(Self { delta: draw.vector(rows, 1.0), w, b, parameters })
    }

    /// The loop for analyses.
    #[must_use]
    pub fn layer(&self) -> LayerLoop {
        LayerLoop {
            forward: self.w.clone(),
            feedback: self.b.clone(),
            leak: self.parameters.leak,
            tau_state: self.parameters.tau_state,
            tau_controller: self.parameters.tau_controller,
        }
    }

    /// The linear loop for solvers.
    ///
    /// # Errors
    /// When the parts do not fit.
    pub fn dynamics(&self) -> Result<LayerwiseInversion, Obstacle> {
        self.with_transfer(Transfer::Linear)
    }

    /// The loop with another transfer.
    ///
    /// # Errors
    /// When the parts do not fit.
    pub fn with_transfer(&self, transfer: Transfer) -> Result<LayerwiseInversion, Obstacle> {
        let target = DMatrix::from_column_slice(self.delta.len(), 1, self.delta.as_slice());
        let feedback = Feedback::Matrix(Arc::new(self.b.clone()));
        Ok(LayerwiseInversion::new(self.w.clone(), feedback, transfer, target, self.parameters)?)
    }

    /// The loop as a model file, up to the solver; `activation` is the g of a nonlinear loop.
    pub(crate) fn model(&self, title: &str, activation: Option<Activation>) -> ModelText {
        let transfer = if activation.is_some() { "nonlinear" } else { "linear" };
        ModelText::new(title)
            .linear_network(&[&self.w])
            .feedback(&[&self.b])
            .layerwise(Some(1), self.parameters, transfer, activation.map(Activation::name))
            .delta(self.delta.as_slice(), None)
    }
}

/// Feedback for which theorem 3 holds.
#[derive(Debug, Clone)]
pub struct CertifiedFeedback {
    /// `B = -P W^T R`.
    pub b: DMatrix<f64>,
    /// The diagonal of `P`.
    pub p: DVector<f64>,
    /// `R`.
    pub r: DMatrix<f64>,
}

/// `B = -P W^T R` with random `P` and `R`.
///
/// # Errors
/// When the factorisation fails.
pub fn certified_feedback(
    draw: &mut Draw,
    w: &DMatrix<f64>,
) -> Result<CertifiedFeedback, Obstacle> {
    let (rows, columns) = w.shape();
    let p = DVector::from_fn(columns, |_, _| draw.log_uniform(0.3, 3.0));
    let r = draw.positive_definite(rows, 0.3, 3.0)?;
    let product = w.transpose() * &r;
    let b = DMatrix::from_fn(columns, rows, |i, j| -p[i] * product[(i, j)]);
    Ok(CertifiedFeedback { b, p, r })
}

/// The Jacobian of a layer loop, block by block from the equations.
#[must_use]
pub fn loop_jacobian(layer: &LayerLoop) -> DMatrix<f64> {
    let (m, n) = layer.forward.shape();
    let mut j = DMatrix::zeros(n + m, n + m);
    for i in 0..n {
        j[(i, i)] = -1.0 / layer.tau_state;
        for k in 0..m {
            j[(i, n + k)] = layer.feedback[(i, k)] / layer.tau_state;
            j[(n + k, i)] = layer.forward[(k, i)] / layer.tau_controller;
        }
    }
    for k in 0..m {
        j[(n + k, n + k)] = -layer.leak / layer.tau_controller;
    }
    j
}

/// The solution of `x' = J (x - rest)` at `t` from `start`.
///
/// # Errors
/// When the exponential cannot be computed.
pub fn linear_flow(
    j: &DMatrix<f64>,
    rest: &DVector<f64>,
    start: &DVector<f64>,
    t: f64,
) -> Result<DVector<f64>, Obstacle> {
    Ok(rest + expm(&(j * t))? * (start - rest))
}

/// A network of tanh layers with a linear output, weights `1/sqrt(fan-in)` and biases, with an
/// input.
///
/// # Errors
/// When the parts do not fit.
pub fn tanh_network(draw: &mut Draw, sizes: &[usize]) -> Result<(Network, Vec<f64>), Obstacle> {
    let last = sizes.len() - 2;
    let layers = (0..=last)
        .map(|l| Layer {
            weights: draw.weights(sizes[l + 1], sizes[l]),
            biases: draw.vector(sizes[l + 1], 0.3),
            activation: if l == last { Activation::Linear } else { Activation::Tanh },
        })
        .collect();
    let input = draw.vector(sizes[0], 1.0).as_slice().to_vec();
    Ok((Network::new(layers, Output::Linear)?, input))
}

/// Uniform weights of the published experiments, `U(-0.01, 0.01)`.
///
/// # Errors
/// Never, in practice.
pub fn published_weights(rows: usize, columns: usize, seed: u64) -> Result<DMatrix<f64>, Obstacle> {
    let initialiser = Initialiser::Uniform { low: -0.01, high: 0.01 };
    Ok(initialiser.weights(&[columns, rows], seed)?.swap_remove(0))
}
