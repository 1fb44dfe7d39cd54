//! A chain of layers and its forward pass.

use nalgebra::{DMatrix, DVector};

use super::output::{self, Output};
use super::{Activation, Forward, Layer, NetworkError};
use crate::linalg::kernels;

/// A feedforward network: layers `l = 1..L` with
///
/// ```text
/// h_0 = x,   a_l = W_l h_{l-1} + b_l,   h_l = g_l(a_l),   y = h_L or softmax(a_L)
/// ```
///
/// Layer `l` is `layers()[l - 1]`. Sizes chain and every parameter is finite when built.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    layers: Vec<Layer>,
    output: Output,
}

impl Network {
    /// A network of `layers`, input side first.
    ///
    /// # Errors
    /// [`NetworkError`] when there is no layer, sizes do not chain, a parameter is not finite or
    /// softmax is asked of a last layer that is not linear.
    pub fn new(layers: Vec<Layer>, output: Output) -> Result<Self, NetworkError> {
        let last = layers.last().ok_or(NetworkError::TooFewSizes { sizes: 0 })?;
        if output == Output::Softmax && last.activation != Activation::Linear {
            return Err(NetworkError::SoftmaxActivation { activation: last.activation.name() });
        }
        let network = Self { layers, output };
        network.check_shapes()?;
        network.check_finite()?;
        Ok(network)
    }

    /// A network from one matrix, vector and activation per layer; `sizes` is `n_0, ..., n_L`.
    ///
    /// # Errors
    /// As [`new`](Self::new), and when the lists differ in length or a shape does not match `sizes`.
    pub fn from_parameters(
        sizes: &[usize],
        activations: &[Activation],
        output: Output,
        weights: Vec<DMatrix<f64>>,
        biases: Vec<DVector<f64>>,
    ) -> Result<Self, NetworkError> {
        check_sizes(sizes)?;
        let layers = sizes.len() - 1;
        for (what, found) in [
            ("activations", activations.len()),
            ("weights", weights.len()),
            ("biases", biases.len()),
        ] {
            if found != layers {
                return Err(NetworkError::LayerCount { what, found, layers });
            }
        }
        for (l, weights) in weights.iter().enumerate() {
            check_weight_shape(l + 1, weights, sizes[l + 1], sizes[l])?;
        }
        let layers = weights.into_iter().zip(biases).zip(activations);
        let layer = |((weights, biases), &activation)| Layer { weights, biases, activation };
        Self::new(layers.map(layer).collect(), output)
    }

    /// The layers, input side first.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The layers, to be changed by learning. Shapes must stay as they are;
    /// [`check_finite`](Self::check_finite) tells whether values still are.
    pub fn layers_mut(&mut self) -> &mut [Layer] {
        &mut self.layers
    }

    /// The kind of output.
    #[must_use]
    pub fn output(&self) -> Output {
        self.output
    }

    /// `n_0, n_1, ..., n_L`.
    #[must_use]
    pub fn sizes(&self) -> Vec<usize> {
        std::iter::once(self.input_size()).chain(self.layers.iter().map(Layer::units)).collect()
    }

    /// `n_0`.
    #[must_use]
    pub fn input_size(&self) -> usize {
        self.layers[0].inputs()
    }

    /// `n_L`.
    #[must_use]
    pub fn output_size(&self) -> usize {
        self.layers[self.layers.len() - 1].units()
    }

    /// Number of weights and biases.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.layers.iter().map(|l| l.weights.len() + l.biases.len()).sum()
    }

    /// Refuses NaN and infinite parameters.
    ///
    /// # Errors
    /// Names the layer, row and column of the first one.
    pub fn check_finite(&self) -> Result<(), NetworkError> {
        self.layers.iter().enumerate().try_for_each(|(l, layer)| layer.check_finite(l + 1))
    }

    /// Runs the forward pass for `inputs`, one example or a batch of columns, into `forward`.
    ///
    /// `forward` keeps its memory as long as the number of columns stays the same.
    ///
    /// # Errors
    /// When the length of `inputs` is 0 or no multiple of `n_0`.
    pub fn forward(&self, inputs: &[f64], forward: &mut Forward) -> Result<(), NetworkError> {
        let expected = self.input_size();
        let columns = (inputs.len() / expected).max(1);
        if inputs.len() != columns * expected {
            let found = inputs.len();
            return Err(NetworkError::Length { what: "input", found, expected, columns });
        }
        forward.fit(self, columns);
        forward.inputs.copy_from_slice(inputs);
        self.propagate(forward);
        Ok(())
    }

    /// Runs the forward pass from `forward.inputs`, already filled in.
    ///
    /// `forward` must come from [`Forward::new`] for a network of the same sizes.
    pub fn propagate(&self, forward: &mut Forward) {
        let a = forward.pre_activations[0].as_mut_slice();
        self.layers[0].pre_activation(forward.inputs.as_slice(), a);
        self.propagate_above_first(forward);
    }

    /// Runs the forward pass from `a_1 = forward.pre_activations[0]`, already filled in: for
    /// learning that knows the first pre-activations without the first weights.
    pub fn propagate_above_first(&self, forward: &mut Forward) {
        for (l, layer) in self.layers.iter().enumerate() {
            let (below, above) = forward.activations.split_at_mut(l);
            let a = forward.pre_activations[l].as_mut_slice();
            if let Some(h) = below.last() {
                layer.pre_activation(h.as_slice(), a);
            }
            layer.activation.apply(a, above[0].as_mut_slice());
        }
        if self.output == Output::Softmax {
            let y = &mut forward.activations[self.layers.len() - 1];
            y.as_mut_slice().chunks_exact_mut(self.output_size()).for_each(output::softmax);
        }
    }

    /// The loss, summed over the columns in order (see [`Output`]).
    ///
    /// # Errors
    /// When the length of `targets` does not match.
    pub fn loss(&self, forward: &Forward, targets: &[f64]) -> Result<f64, NetworkError> {
        self.check_targets(forward, targets)?;
        let n = self.output_size();
        let a = forward.pre_activations[self.layers.len() - 1].as_slice().chunks_exact(n);
        let columns =
            a.zip(forward.output().as_slice().chunks_exact(n)).zip(targets.chunks_exact(n));
        Ok(columns.map(|((a, y), t)| self.output.loss(a, y, t)).sum())
    }

    /// Writes the output error `e = t - y` of every column to `error`.
    ///
    /// # Errors
    /// When the length of `targets` or `error` does not match.
    pub fn output_error(
        &self,
        forward: &Forward,
        targets: &[f64],
        error: &mut [f64],
    ) -> Result<(), NetworkError> {
        self.check_targets(forward, targets)?;
        self.check_targets(forward, error)?;
        for ((e, t), y) in error.iter_mut().zip(targets).zip(forward.output().as_slice()) {
            *e = t - y;
        }
        Ok(())
    }

    /// The blocks `J_l = dy / da_l` (`n_L x n_l`, for `l = 1..L`) at column `column` of `forward`.
    ///
    /// `J_L` is `D_L = diag(g'(a_L))`, or `diag(y) - y y^T` for softmax;
    /// `J_l = J_{l+1} W_{l+1} D_l`.
    #[must_use]
    pub fn output_jacobian_blocks(&self, forward: &Forward, column: usize) -> Vec<DMatrix<f64>> {
        let seed = match self.output {
            Output::Linear => self.last_slope(forward, column),
            Output::Softmax => {
                let n = self.output_size();
                let y = &forward.output().as_slice()[column * n..(column + 1) * n];
                output::softmax_jacobian(y)
            }
        };
        self.jacobian_chain(forward, column, seed)
    }

    /// As [`output_jacobian_blocks`](Self::output_jacobian_blocks), but of `h_L` before a softmax:
    /// `dh_L / da_l`. Without softmax the two are the same.
    #[must_use]
    pub fn logit_jacobian_blocks(&self, forward: &Forward, column: usize) -> Vec<DMatrix<f64>> {
        self.jacobian_chain(forward, column, self.last_slope(forward, column))
    }

    /// Writes the diagonal of `D_l = diag(g_l'(a_l))` for every column; `l` counts from 0 here.
    pub fn slopes(&self, forward: &Forward, l: usize, out: &mut [f64]) {
        self.layers[l].activation.slope(forward.pre_activations[l].as_slice(), out);
    }

    fn last_slope(&self, forward: &Forward, column: usize) -> DMatrix<f64> {
        DMatrix::from_diagonal(&self.column_slope(forward, self.layers.len() - 1, column))
    }

    fn column_slope(&self, forward: &Forward, l: usize, column: usize) -> DVector<f64> {
        let n = self.layers[l].units();
        let mut slope = DVector::zeros(n);
        let a = &forward.pre_activations[l].as_slice()[column * n..(column + 1) * n];
        self.layers[l].activation.slope(a, slope.as_mut_slice());
        slope
    }

    fn jacobian_chain(
        &self,
        forward: &Forward,
        column: usize,
        seed: DMatrix<f64>,
    ) -> Vec<DMatrix<f64>> {
        let mut blocks = vec![seed];
        for l in (0..self.layers.len() - 1).rev() {
            let above = &blocks[blocks.len() - 1];
            let weights = &self.layers[l + 1].weights;
            let mut block = DMatrix::zeros(above.nrows(), weights.ncols());
            kernels::gemm(above, weights.as_slice(), block.as_mut_slice());
            let slope = self.column_slope(forward, l, column);
            for (mut column, slope) in block.column_iter_mut().zip(slope.iter()) {
                column *= *slope;
            }
            blocks.push(block);
        }
        blocks.reverse();
        blocks
    }

    fn check_targets(&self, forward: &Forward, targets: &[f64]) -> Result<(), NetworkError> {
        let (expected, columns, found) = (self.output_size(), forward.columns(), targets.len());
        if found == expected * columns {
            return Ok(());
        }
        Err(NetworkError::Length { what: "target", found, expected, columns })
    }

    fn check_shapes(&self) -> Result<(), NetworkError> {
        let mut below = self.input_size();
        for (l, layer) in self.layers.iter().enumerate() {
            if below == 0 || layer.units() == 0 {
                return Err(NetworkError::EmptySize {
                    position: if below == 0 { l } else { l + 1 },
                });
            }
            check_weight_shape(l + 1, &layer.weights, layer.units(), below)?;
            let (length, units) = (layer.biases.len(), layer.units());
            if length != units {
                return Err(NetworkError::BiasLength { layer: l + 1, length, units });
            }
            below = units;
        }
        Ok(())
    }
}

/// Refuses a list of sizes that describes no network.
pub(super) fn check_sizes(sizes: &[usize]) -> Result<(), NetworkError> {
    if sizes.len() < 2 {
        return Err(NetworkError::TooFewSizes { sizes: sizes.len() });
    }
    match sizes.iter().position(|&n| n == 0) {
        Some(position) => Err(NetworkError::EmptySize { position }),
        None => Ok(()),
    }
}

fn check_weight_shape(
    layer: usize,
    weights: &DMatrix<f64>,
    expected_rows: usize,
    expected_columns: usize,
) -> Result<(), NetworkError> {
    let (rows, columns) = weights.shape();
    if (rows, columns) == (expected_rows, expected_columns) {
        return Ok(());
    }
    Err(NetworkError::WeightShape { layer, rows, columns, expected_rows, expected_columns })
}
