//! Steps of Gauss-Newton type as errors of every layer.

use std::ops::Range;

use nalgebra::{DMatrix, DVector};

use super::gram::{self, Rank};
use super::jacobians::OutputJacobians;
use crate::linalg::LinalgError;
use crate::linalg::gemm::{matmul, matmul_tn};
use crate::network::{Forward, Network, Output};

/// What the norm of a step measures: the weight `s_l` of layer `l` in the Gram matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Weighting {
    /// Changes of the parameters, `s_l = |h_{l-1}|^2`, plus 1 where biases learn too.
    Parameters {
        /// Whether biases learn.
        biases: bool,
    },
    /// Changes of the pre-activations, `s_l = 1`.
    PreActivations,
}

/// Which blocks of the Gauss-Newton matrix are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GeometryBlocks {
    /// All: one system for the whole network.
    Full,
    /// Those of single layers: every layer takes the step it would take alone.
    Layer,
}

/// A step of Gauss-Newton type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepKind {
    /// What its norm measures.
    pub weighting: Weighting,
    /// Which blocks are kept.
    pub blocks: GeometryBlocks,
    /// Damping of Levenberg and Marquardt, at least 0.
    pub damping: f64,
    /// Singular values at or below this fraction of the largest count as zero; a fraction below
    /// `sqrt(n_L eps)` counts as that, see [`Rank`].
    pub cutoff: f64,
}

/// Errors of every layer, one column per example; `delta[k]` belongs to `layers()[k]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// `delta_l`, `n_l x examples`.
    pub delta: Vec<DMatrix<f64>>,
}

/// Jacobians, Gram matrices and errors of some examples of a forward pass.
///
/// # Example
/// ```
/// use dynamic_inversion::analysis::geometry::{Geometry, GeometryBlocks, StepKind, Weighting};
/// use dynamic_inversion::network::{Activation, Forward, Layer, Network, Output};
/// use nalgebra::{dmatrix, dvector};
///
/// // y = 2 h, h = 3 x with x = 1: G = s_1 2^2 + s_2 = 2 (4) + 10.
/// let layer = |w| Layer { weights: w, biases: dvector![0.0], activation: Activation::Linear };
/// let network = Network::new(vec![layer(dmatrix![3.0]), layer(dmatrix![2.0])], Output::Linear)?;
/// let mut forward = Forward::new(&network, 1);
/// network.forward(&[1.0], &mut forward)?;
/// let geometry = Geometry::new(&network, &forward, &dmatrix![0.9], 0..1);
/// let kind = StepKind {
///     weighting: Weighting::Parameters { biases: true },
///     blocks: GeometryBlocks::Full,
///     damping: 0.0,
///     cutoff: 0.0,
/// };
/// let step = geometry.step(&kind)?;
/// assert!((step.delta[1][0] - 0.9 / 18.0).abs() < 1e-15);
/// assert!((step.delta[0][0] - 2.0 * 0.9 / 18.0).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Geometry {
    jacobians: OutputJacobians,
    /// `|h_{l-1}|^2`, layers x examples.
    squared_inputs: DMatrix<f64>,
    /// `J_l J_l^T` per layer, then per example; of `F^T J_l` with softmax.
    grams: Vec<Vec<DMatrix<f64>>>,
    /// The output error, `n_L x examples`.
    error: DMatrix<f64>,
    /// Outputs of a softmax, by which the curvature of the loss is known.
    probabilities: Option<DMatrix<f64>>,
}

impl Geometry {
    /// Everything steps are made of, for the examples in `columns` of `forward`; `error` is the
    /// output error `target - y` of all columns (`n_L x columns`).
    ///
    /// # Panics
    /// When `error` or `columns` do not fit `forward`.
    #[must_use]
    pub fn new(
        network: &Network,
        forward: &Forward,
        error: &DMatrix<f64>,
        columns: Range<usize>,
    ) -> Self {
        let part = |m: &DMatrix<f64>| m.columns(columns.start, columns.len()).into_owned();
        let jacobians = OutputJacobians::new(network, forward, columns.clone());
        let probabilities = match network.output() {
            Output::Linear => None,
            Output::Softmax => Some(part(forward.output())),
        };
        let layers = network.layers().len();
        let gram = |k: usize, example: usize| {
            let block = jacobians.transposed(k, example).into_owned();
            let gram = matmul_tn(&block, &block);
            match &probabilities {
                Some(p) => between_factors(&gram, p.column(example).as_slice()),
                None => gram,
            }
        };
        let grams = (0..layers).map(|k| (0..columns.len()).map(|c| gram(k, c)).collect());
        let squared_inputs = DMatrix::from_fn(layers, columns.len(), |k, c| {
            forward.layer_input(k).column(columns.start + c).norm_squared()
        });
        Self {
            grams: grams.collect(),
            squared_inputs,
            error: part(error),
            probabilities,
            jacobians,
        }
    }

    /// The negative gradient of the loss, `delta_l = J_l^T e`.
    #[must_use]
    pub fn gradient(&self) -> Step {
        self.assemble(|_, example| self.error.column(example).into_owned())
    }

    /// A step of Gauss-Newton type.
    ///
    /// # Errors
    /// Values that are not finite; no convergence of an eigenvalue iteration.
    pub fn step(&self, kind: &StepKind) -> Result<Step, LinalgError> {
        let mut solutions: Vec<Vec<DVector<f64>>> = Vec::new();
        for example in 0..self.jacobians.examples() {
            let error = self.whitened_error(example);
            let one = |layers: Range<usize>| {
                let gram = self.gram(layers, example, kind.weighting);
                let y = gram::solve(&gram, &error, kind.damping, kind.cutoff)?;
                Ok(self.unwhitened(y, example))
            };
            let solved: Result<Vec<_>, LinalgError> =
                self.systems(kind.blocks).into_iter().map(one).collect();
            solutions.push(solved?);
        }
        Ok(self.assemble(|k, example| {
            let place = if kind.blocks == GeometryBlocks::Full { 0 } else { k };
            solutions[example][place].clone()
        }))
    }

    /// Rank and cut-off of every system that [`step`](Self::step) solves for `example`: one, or one
    /// per layer.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn ranks(&self, kind: &StepKind, example: usize) -> Result<Vec<Rank>, LinalgError> {
        let one = |layers| gram::rank(&self.gram(layers, example, kind.weighting), kind.cutoff);
        self.systems(kind.blocks).into_iter().map(one).collect()
    }

    /// The Gauss-Newton matrix in output space, `sum s_l J_l J_l^T`, over some layers (places in
    /// `layers()`).
    #[must_use]
    pub fn gram(&self, layers: Range<usize>, example: usize, weighting: Weighting) -> DMatrix<f64> {
        let n = self.jacobians.outputs();
        let mut gram = DMatrix::zeros(n, n);
        for k in layers {
            let weight = match weighting {
                Weighting::PreActivations => 1.0,
                Weighting::Parameters { biases } => {
                    self.squared_inputs[(k, example)] + f64::from(u8::from(biases))
                }
            };
            gram += &self.grams[k][example] * weight;
        }
        gram
    }

    /// The layers of each system.
    fn systems(&self, blocks: GeometryBlocks) -> Vec<Range<usize>> {
        let layers = self.jacobians.layers();
        match blocks {
            GeometryBlocks::Full => std::iter::once(0..layers).collect(),
            GeometryBlocks::Layer => (0..layers).map(|k| k..k + 1).collect(),
        }
    }

    /// `J_l^T y` for the `y` of every layer and example.
    fn assemble(&self, y: impl Fn(usize, usize) -> DVector<f64>) -> Step {
        let examples = self.jacobians.examples();
        let delta = |k: usize| {
            let columns: Vec<DVector<f64>> =
                (0..examples).map(|c| self.jacobians.transposed(k, c) * y(k, c)).collect();
            DMatrix::from_columns(&columns)
        };
        Step { delta: (0..self.jacobians.layers()).map(delta).collect() }
    }

    /// The error for which the loss is a squared error: `e`, or `diag(p)^{-1/2} e`.
    fn whitened_error(&self, example: usize) -> DVector<f64> {
        let mut error = self.error.column(example).into_owned();
        if let Some(p) = &self.probabilities {
            error.iter_mut().zip(p.column(example).iter()).for_each(|(e, p)| *e /= root(*p));
        }
        error
    }

    /// `F y`, or `y`.
    fn unwhitened(&self, mut y: DVector<f64>, example: usize) -> DVector<f64> {
        if let Some(p) = &self.probabilities {
            let p = p.column(example);
            y.iter_mut().zip(p.iter()).for_each(|(y, p)| *y *= root(*p));
            let sum = y.sum();
            y.axpy(-sum, &p, 1.0);
        }
        y
    }
}

/// A probability that has underflowed is replaced by the smallest number with a reciprocal.
fn root(p: f64) -> f64 {
    p.max(f64::MIN_POSITIVE).sqrt()
}

/// `F^T G F` with `F = (I - p 1^T) diag(sqrt p)`.
fn between_factors(gram: &DMatrix<f64>, p: &[f64]) -> DMatrix<f64> {
    let n = p.len();
    let factor = DMatrix::from_fn(n, n, |i, j| {
        let unit = if i == j { 1.0 } else { 0.0 };
        (unit - p[i]) * root(p[j])
    });
    let product = matmul_tn(&factor, &matmul(gram, &factor));
    product.zip_map(&product.transpose(), |x, y| 0.5 * (x + y))
}
